"""Replay: a recorded session once more, under the virtual clock (spec/5-embedding.md, section 5).

Nothing is decoded and nothing is called: the recording answers each Decode and each Start at the
time at which it was answered then.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

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


class _Recording:
    """An environment that answers effects from a trace."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.timeline = Timeline()
        self._decoded: deque[tuple[int, int, Decoded | Ended]] = deque()
        self._answers: dict[str, deque[tuple[int, int, Returned | Expired]]] = defaultdict(deque)
        for seq, row in enumerate(rows):
            match row.event:
                case Decoded() | Ended() as event:
                    self._decoded.append((row.at_us, seq, event))
                case Returned() | Expired() as event:
                    self._answers[event.call].append((row.at_us, seq, event))
                case Began() | Said() | Stopped() as event:
                    self.timeline.push(row.at_us, event, seq)
                case None:
                    pass

    def perform(self, effect: Effect, now_us: int) -> None:
        match effect:
            case Decode():
                if self._decoded:
                    at_us, seq, event = self._decoded.popleft()
                    self._plan(at_us, seq, event, now_us)
            case Start(call=call):
                for at_us, seq, answer in self._answers.pop(call, ()):
                    self._plan(at_us, seq, answer, now_us)
            case Cancel() | Inject() | Rewind() | Report() | Finish():
                pass

    def _plan(self, at_us: int, seq: int, event: Event, now_us: int) -> None:
        if at_us < now_us:
            message = f"the recording answers at {at_us} µs what is asked for at {now_us} µs"
            raise HostError("Embed/time", message)
        self.timeline.push(at_us, event, seq)


def replay(settings: Settings, rows: Iterable[Row]) -> Iterator[Row]:
    """Run a recorded session under the virtual clock.

    Args:
        settings: Those of the recording's header.
        rows: The rows of the recording; only their events are used.

    Yields:
        The rows that the machine writes; those of the recording, if that is valid.

    Raises:
        HostError: The recording breaks off, or contradicts itself.
    """
    return drive(settings, _Recording(rows))
