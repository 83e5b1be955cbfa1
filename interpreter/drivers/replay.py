"""Replay: a recorded session once more, under the virtual clock (spec/5-embedding.md, section 5).

Nothing is decoded and nothing is called: the recording answers each Decode and each Start at the
time at which it was answered then.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

import msgspec

from interpreter.drivers.timeline import Timeline
from interpreter.drivers.virtual import drive
from interpreter.errors import HostError
from interpreter.events import (
    Began,
    Cancel,
    Decode,
    Decoded,
    Effect,
    Ended,
    Event,
    Expired,
    Finish,
    Inject,
    Report,
    Returned,
    Rewind,
    Row,
    Said,
    Start,
    Stopped,
)
from interpreter.state import Settings


class _Found(msgspec.Struct, frozen=True, gc=False):
    """An event of the recording, with its time, its place and the number of its turn."""

    at_us: int
    seq: int
    event: Event
    turn: int


class _Recording:
    """An environment that answers effects from a trace. It reads on to the end of the next moment
    and keeps what nobody has asked for yet: in a valid trace, hardly anything.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = enumerate(rows)
        self._read_to_us = -1
        self._timeline = Timeline()
        self._asked_us: int | None = None  # when a symbol was asked for that was not read yet
        # A turn that is stopped leaves a Decode without an answer: the next symbol is of another turn.
        self._turn = self._read_turn = 0
        self._started_us: dict[str, int] = {}
        self._symbols: deque[_Found] = deque()
        self._answers: dict[str, list[_Found]] = defaultdict(list)

    def moment(self) -> tuple[int, list[Event]] | None:
        while (next_us := self._timeline.next_us) is None or self._read_to_us <= next_us:
            if (numbered := next(self._rows, None)) is None:
                break
            seq, row = numbered
            if row.at_us < self._read_to_us:
                message = f"a row of {row.at_us} µs follows one of {self._read_to_us} µs"
                raise HostError("Embed/time", message)
            self._read_to_us = row.at_us
            if row.event is not None:
                self._read_turn += isinstance(row.event, Began)
                self._take(_Found(row.at_us, seq, row.event, self._read_turn))
        found = self._timeline.pop()
        self._turn += sum(isinstance(event, Began) for event in found[1]) if found else 0
        return found

    def perform(self, effect: Effect, now_us: int) -> None:
        match effect:
            case Decode():
                self._asked_us = now_us
                self._decode()
            case Start(call=call):
                self._started_us[call] = now_us
                for found in self._answers.pop(call, ()):
                    self._plan(found, now_us)
            case Cancel() | Inject() | Rewind() | Report() | Finish():
                pass

    def _take(self, found: _Found) -> None:
        match found.event:
            case Decoded() | Ended():
                self._symbols.append(found)
                self._decode()
            case Returned(call=call) | Expired(call=call):
                if call in self._started_us:
                    self._plan(found, self._started_us[call])
                else:
                    self._answers[call].append(found)
            case Began() | Said() | Stopped():
                self._plan(found, 0)

    def _decode(self) -> None:
        is_answered = bool(self._symbols) and self._symbols[0].turn == self._turn
        if self._asked_us is not None and is_answered:
            self._plan(self._symbols.popleft(), self._asked_us)
            self._asked_us = None

    def _plan(self, found: _Found, asked_us: int) -> None:
        if found.at_us < asked_us:
            message = (
                f"the recording answers at {found.at_us} µs what is asked for at {asked_us} µs"
            )
            raise HostError("Embed/time", message)
        self._timeline.push(found.at_us, found.event, found.seq)


def replay(settings: Settings, rows: Iterable[Row]) -> Iterator[Row]:
    """Run a recorded session under the virtual clock.

    Args:
        settings: Those of the recording's header.
        rows: The rows of the recording; only their events are used. They are read as the replay
            goes on, so that its memory does not grow with them.

    Yields:
        The rows that the machine writes; those of the recording, if that is valid.

    Raises:
        HostError: The recording breaks off, contradicts itself, or its times go back.
    """
    return drive(settings, _Recording(rows))
