"""A real run read as a workload: what was written when, ran how long, and needed what.

A trace does not say what a call needs. It is read off two signs: a value of an earlier result
stands among the arguments, or the model stopped at a trap until that result was there and wrote
the call then. Both are cautious: they may see a need where there is none, rarely the reverse.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from cml.ast import Json, OutcomeKind
from interpreter.events import Began, Decoded, Ended, Finish, Inject, Row, Start
from interpreter.runs import Run, RunReader
from interpreter.state import Settings

_SHORTEST: Final = 3
"""Values of fewer characters stand in arguments by chance."""


class ObservedCall(msgspec.Struct):
    """One call of a real run, or text before a trap or the last delivery, which calls nothing.

    A call that was written and settled before it could start counts as text.

    Times are in microseconds from the beginning of the session.

    Args:
        id: Its identifier, or `#n`; for text, a name in parentheses.
        function: What it called; nothing for text.
        generate_us: Decoding since the call before it was complete, text in between included.
        written_us: When its block was complete.
        start_us: When it started to run.
        return_us: When its outcome came; the end of the session if it never did.
        needs: Identifiers of the calls whose results it needed.
        turn: The turn in which it was written, from 1.
    """

    id: str
    function: str
    generate_us: int
    written_us: int
    start_us: int
    return_us: int
    needs: tuple[str, ...]
    turn: int = 1

    @property
    def execute_us(self) -> int:
        """How long it ran."""
        return max(0, self.return_us - self.start_us)


class Observation(msgspec.Struct, frozen=True):
    """A real run.

    Args:
        written: Calls that started and text, in the order in which they were written.
        answer_us: Decoding after the last delivery.
        run: The run itself, without its pauses.
        paused_us: How long no turn was under way, in microseconds: from the end of one until somebody asked
            on. All times are as if it had been no time.
    """

    written: tuple[ObservedCall, ...]
    answer_us: int
    run: Run
    paused_us: int = 0

    @property
    def calls(self) -> tuple[ObservedCall, ...]:
        """The calls alone."""
        return tuple(call for call in self.written if call.function)


class _Block(msgspec.Struct):
    """The block of a call that was complete, until the call starts."""

    generate_us: int
    needs: frozenset[str]


class _Observer:
    """Takes the rows of a run in, one after another.

    Args:
        reader: Reads the calls of the same run; it takes each row first.
    """

    def __init__(self, reader: RunReader) -> None:
        self._reader = reader
        self.calls: dict[str, ObservedCall] = {}
        self.texts: list[ObservedCall] = []
        self.answer_us = 0
        self._decode_us = 0
        self._since_call_us = 0
        self._text_us = 0
        self._blocks: dict[str, _Block] = {}
        self._delivered: dict[str, frozenset[str]] = {}
        self._batch: set[str] = set()
        self._awaited: set[str] = set()
        self._text_needs: set[str] = set()
        self._wrote = False
        self._turn = 0

    def take(self, row: Row) -> None:
        """Take one row in, after the reader."""
        if isinstance(row.event, Decoded | Ended):
            self._decoded()
        self._turn += isinstance(row.event, Began)
        self._rule(row)
        for effect in row.effects:
            match effect:
                case Start():
                    self._start(effect)
                case Inject(interrupts):
                    self._inject({delivery.id for delivery in interrupts})
                case _:
                    pass

    def _decoded(self) -> None:
        took_us = self._reader.decode_us - self._decode_us
        self._decode_us = self._reader.decode_us
        self._since_call_us += took_us
        self.answer_us += took_us

    def _rule(self, row: Row) -> None:
        match row.rule:
            case "Step/call":
                self._write(next(reversed(self._reader.calls)))
            case "Step/trap":
                self._write_text(self._take_decoding(), row.at_us, self._awaited)
                self._batch = set()
                if self._wrote:
                    self._awaited = set()
                self._wrote = False
            case "Settle/wake":
                self._awaited |= self._batch
            case _:
                pass

    def _take_decoding(self) -> int:
        """Return the decoding since the last call or text, and begin to count again."""
        took_us = self._since_call_us
        self._since_call_us = self._text_us = self.answer_us = 0
        return took_us

    def _write(self, key: str) -> None:
        self._blocks[key] = _Block(self._take_decoding(), frozenset(self._awaited))
        self._wrote = True

    def _write_text(self, took_us: int, at_us: int, needs: Iterable[str]) -> None:
        if took_us:
            name = f"(text {len(self.texts) + 1})"
            text = ObservedCall(
                name, "", took_us, at_us, at_us, at_us, tuple(sorted(needs)), self._turn
            )
            self.texts.append(text)

    def _inject(self, delivered: set[str]) -> None:
        self._batch |= delivered
        # A value can have come from a result only once the model was told of it.
        outcomes = {
            name: self._reader.state.calls[name].outcome for name in self.calls.keys() & delivered
        }
        self._delivered |= {
            name: frozenset(_leaves(outcome.value))
            for name, outcome in outcomes.items()
            if outcome is not None and outcome.kind is OutcomeKind.RETURNED
        }
        if self.answer_us:
            self._text_needs = set(self._awaited)
        self._text_us += self.answer_us
        self.answer_us = 0

    def _start(self, start: Start) -> None:
        block, call = self._blocks.pop(start.call), self._reader.calls[start.call]
        arguments = frozenset(_leaves([*start.args, start.kwargs]))
        flow = {call for call, values in self._delivered.items() if _flows(values, arguments)}
        self.calls[start.call] = ObservedCall(
            id=start.call,
            function=start.function,
            generate_us=block.generate_us,
            written_us=call.written_us,
            start_us=call.written_us if call.started_us is None else call.started_us,
            return_us=-1,
            needs=tuple(sorted((flow | block.needs) & self.calls.keys())),
            turn=self._turn,
        )

    def close(self, paused_us: int) -> Observation:
        """Return the whole run.

        Args:
            paused_us: How long no turn was under way.
        """
        run = self._reader.run
        total_us = run.total_us
        self._write_text(self._text_us, total_us, self._text_needs)
        for key, block in self._blocks.items():  # written, and settled before they could start
            self._write_text(block.generate_us, self._reader.calls[key].written_us, block.needs)
        for key, call in self.calls.items():
            returned_us = self._reader.calls[key].returned_us
            call.return_us = total_us if returned_us is None else returned_us
        for text in self.texts:
            text.needs = tuple(name for name in text.needs if name in self.calls)
        written = sorted((*self.calls.values(), *self.texts), key=lambda one: one.written_us)
        return Observation(tuple(written), self.answer_us, run, paused_us)


class _Pauses:
    """Takes out of a run the time in which no turn was under way: a person thought then, and nothing ran.

    Attributes:
        between_us: How long that was between turns so far.
    """

    def __init__(self) -> None:
        self.between_us = 0
        self._skipped_us = 0
        self._over_us: int | None = None  # when the last turn was over, and none has begun since

    def without(self, row: Row) -> Row:
        """Return a row as if there had been no pause before it."""
        if self._over_us is not None:
            self._skipped_us = max(self._skipped_us, row.at_us - self._over_us)
        at_us = row.at_us - self._skipped_us
        if isinstance(row.event, Began):
            self.between_us, self._over_us = self._skipped_us, None
        if any(isinstance(effect, Finish) for effect in row.effects):
            self._over_us = at_us
        return replace(row, at_us=at_us) if self._skipped_us else row


def _leaves(value: Json) -> Iterator[str]:
    """Yield the scalar values inside a JSON value that are long enough to tell something."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
        elif one is not None and not isinstance(one, bool) and len(str(one)) >= _SHORTEST:
            yield str(one)


def _flows(values: frozenset[str], arguments: frozenset[str]) -> bool:
    return any(value in argument for value in values for argument in arguments)


def observe(settings: Settings, rows: Iterable[Row]) -> Observation:
    """Read a real run as a workload.

    Args:
        settings: What the host chose, as in the header of the trace.
        rows: Its rows, in order.

    Raises:
        HostError: The rows are not those of a session with these settings.
    """
    reader = RunReader(settings)
    observer = _Observer(reader)
    pauses = _Pauses()
    for row in map(pauses.without, rows):
        reader.take(row)
        observer.take(row)
    return observer.close(pauses.between_us)
