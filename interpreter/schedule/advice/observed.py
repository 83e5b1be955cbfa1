"""A real run read as a workload: what was written when, ran how long, and needed what.

A trace does not say what a call needs. It is read off two signs: a value of an earlier result
stands among the arguments, or the model stopped at a trap until that result was there and wrote
the call then. Both are cautious: they may see a need where there is none, rarely the reverse.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from cml.ast import Json
from interpreter.events import Decode, Decoded, Ended, Expired, Inject, Returned, Row, Start
from interpreter.machine import advance, settle_one, step
from interpreter.state import Settings, State

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
    """

    id: str
    function: str
    generate_us: int
    written_us: int
    start_us: int
    return_us: int
    needs: tuple[str, ...]

    @property
    def execute_us(self) -> int:
        """How long it ran."""
        return max(0, self.return_us - self.start_us)


class Observation(msgspec.Struct, frozen=True):
    """A real run.

    Args:
        written: Calls that started and text, in the order in which they were written.
        answer_us: Decoding after the last delivery.
        decode_us: All decoding.
        trap_us: Decoding of traps, which only asynchronous calling needs.
        total_us: How long the session took.
    """

    written: tuple[ObservedCall, ...]
    answer_us: int
    decode_us: int
    trap_us: int
    total_us: int

    @property
    def calls(self) -> tuple[ObservedCall, ...]:
        """The calls alone."""
        return tuple(call for call in self.written if call.function)


class _Block(msgspec.Struct):
    """The block of a call that was complete, until the call starts."""

    generate_us: int
    written_us: int
    needs: frozenset[str]


class _Observer:
    """Takes the rows of a run in, one after another."""

    def __init__(self) -> None:
        self.calls: dict[str, ObservedCall] = {}
        self.texts: list[ObservedCall] = []
        self.decode_us = 0
        self.trap_us = 0
        self.answer_us = 0
        self._asked_us = 0
        self._opened_us = 0
        self._since_call_us = 0
        self._text_us = 0
        self._blocks: dict[str, _Block] = {}
        self._returned: dict[str, frozenset[str]] = {}
        self._delivered: dict[str, frozenset[str]] = {}
        self._batch: set[str] = set()
        self._awaited: set[str] = set()
        self._text_needs: set[str] = set()
        self._wrote = False

    def take(self, row: Row, state: State) -> None:
        """Take one row in.

        Args:
            row: What happened.
            state: The state of the machine after it.
        """
        match row.event:
            case Decoded() | Ended():
                self._decoded(row.at_us)
            case Returned(call, outcome) if row.rule == "Step/return" and call in self.calls:
                self.calls[call].return_us = row.at_us
                self._returned[call] = frozenset(_leaves(outcome.value))
            case Expired(call) if row.rule == "Step/timeout" and call in self.calls:
                self.calls[call].return_us = row.at_us
            case _:
                pass
        self._rule(row, state)
        for effect in row.effects:
            match effect:
                case Decode():
                    self._asked_us = row.at_us
                case Start():
                    self._start(effect, row.at_us)
                case Inject(interrupts):
                    self._inject({delivery.id for delivery in interrupts})
                case _:
                    pass

    def _decoded(self, at_us: int) -> None:
        took_us = at_us - self._asked_us
        self.decode_us += took_us
        self._since_call_us += took_us
        self.answer_us += took_us

    def _rule(self, row: Row, state: State) -> None:
        match row.rule:
            case "Step/open" | "Step/malformed":
                self._opened_us = self._asked_us
            case "Step/call":
                self._write(next(reversed(state.calls)), row.at_us)
            case "Step/idle-trap":
                self.trap_us += row.at_us - self._opened_us
            case "Step/trap":
                self.trap_us += row.at_us - self._opened_us
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

    def _write(self, key: str, at_us: int) -> None:
        self._blocks[key] = _Block(self._take_decoding(), at_us, frozenset(self._awaited))
        self._wrote = True

    def _write_text(self, took_us: int, at_us: int, needs: Iterable[str]) -> None:
        if took_us:
            name = f"(text {len(self.texts) + 1})"
            text = ObservedCall(name, "", took_us, at_us, at_us, at_us, tuple(sorted(needs)))
            self.texts.append(text)

    def _inject(self, delivered: set[str]) -> None:
        self._batch |= delivered
        # A value can have come from a result only once the model was told of it.
        known = self._returned.keys() & delivered
        self._delivered |= {name: self._returned[name] for name in known}
        if self.answer_us:
            self._text_needs = set(self._awaited)
        self._text_us += self.answer_us
        self.answer_us = 0

    def _start(self, start: Start, at_us: int) -> None:
        block = self._blocks.pop(start.call, _Block(0, at_us, frozenset()))
        arguments = frozenset(_leaves([*start.args, start.kwargs]))
        flow = {call for call, values in self._delivered.items() if _flows(values, arguments)}
        self.calls[start.call] = ObservedCall(
            id=start.call,
            function=start.function,
            generate_us=block.generate_us,
            written_us=block.written_us,
            start_us=at_us,
            return_us=-1,
            needs=tuple(sorted((flow | block.needs) & self.calls.keys())),
        )

    def close(self, total_us: int) -> Observation:
        """Return the run, whose last row was at `total_us`."""
        self._write_text(self._text_us, total_us, self._text_needs)
        for block in self._blocks.values():  # written, and settled before they could start
            self._write_text(block.generate_us, block.written_us, block.needs)
        for call in self.calls.values():
            if call.return_us < 0:
                call.return_us = total_us
        for text in self.texts:
            text.needs = tuple(name for name in text.needs if name in self.calls)
        written = sorted((*self.calls.values(), *self.texts), key=lambda one: one.written_us)
        return Observation(tuple(written), self.answer_us, self.decode_us, self.trap_us, total_us)


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
    observer = _Observer()
    total_us = 0
    for row, state in _states(settings, rows):
        observer.take(row, state)
        total_us = row.at_us
    return observer.close(total_us)


def _states(settings: Settings, rows: Iterable[Row]) -> Iterator[tuple[Row, State]]:
    """Yield each row with the state after it: the machine alone knows which call a block became."""
    state = State(settings)
    for row in rows:
        if row.event is not None:
            _, state, _ = step(advance(state, row.at_us), row.event)
        elif fired := settle_one(state):
            state, _ = fired
        yield row, state
