"""A real run read as a workload: what was written when, ran how long, and needed what.

A trace does not say what a call needs. It is read off two signs: a value of an earlier result
stands among the arguments, or the model stopped at a trap until that result was there and wrote
the call then. Both are cautious: they may see a need where there is none, rarely the reverse.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from interpreter.events import Decode, Decoded, Ended, Inject, Returned, Row, Start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cml.ast import Json

_SHORTEST: Final = 3
"""Values of fewer characters stand in arguments by chance."""


class ObservedCall(msgspec.Struct):
    """One call of a real run, or text before a trap or the last delivery, which calls nothing.

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


class _Written(msgspec.Struct):
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
        self.text_us = 0
        self.answer_us = 0
        self._asked_us = 0
        self._since_call_us = 0
        self._block = ""
        self._opened_us = 0
        self._named: dict[str, _Written] = {}
        self._unnamed: deque[_Written] = deque()
        self._returned: dict[str, frozenset[str]] = {}
        self._values: dict[str, frozenset[str]] = {}
        self._batch: set[str] = set()
        self._woken: set[str] = set()
        self._text_needs: set[str] = set()
        self._wrote = False

    def take(self, row: Row) -> None:
        """Take one row in."""
        match row.event:
            case Decoded(symbol):
                self._decoded(row.at_us)
                self._block = symbol.text if row.rule == "Step/open" else self._block + symbol.text
            case Ended():
                self._decoded(row.at_us)
            case Returned(call, outcome) if row.rule == "Step/return" and call in self.calls:
                self.calls[call].return_us = row.at_us
                self._returned[call] = frozenset(_leaves(outcome.value))
            case _:
                pass
        self._rule(row)
        for effect in row.effects:
            match effect:
                case Decode():
                    self._asked_us = row.at_us
                case Start():
                    self._start(effect, row.at_us)
                case Inject(interrupts):
                    told = {delivery.id for delivery in interrupts}
                    self._batch |= told
                    # A value can have come from a result only once the model was told of it.
                    known = self._returned.keys() & told
                    self._values |= {name: self._returned[name] for name in known}
                    if self.answer_us:
                        self._text_needs = set(self._woken)
                    self.text_us += self.answer_us
                    self.answer_us = 0
                case _:
                    pass

    def _decoded(self, at_us: int) -> None:
        took_us = at_us - self._asked_us
        self.decode_us += took_us
        self._since_call_us += took_us
        self.answer_us += took_us

    def _rule(self, row: Row) -> None:
        match row.rule:
            case "Step/open":
                self._opened_us = self._asked_us
            case "Step/call":
                self._written(row.at_us)
            case "Step/idle-trap":
                self.trap_us += row.at_us - self._opened_us
            case "Step/trap":
                self.trap_us += row.at_us - self._opened_us
                self.close_text(row.at_us)
                self._batch = set()
                if self._wrote:
                    self._woken = set()
                self._wrote = False
            case "Settle/wake":
                self._woken |= self._batch
            case _:
                pass

    def close_text(self, at_us: int) -> None:
        """Set what was decoded since the last call or text apart, as text."""
        took_us = self._since_call_us
        self._since_call_us = self.text_us = self.answer_us = 0
        if took_us:
            self.texts.append(_text(len(self.texts) + 1, took_us, at_us, self._woken))

    def close_run(self, at_us: int) -> None:
        """Set what was decoded before the last delivery apart from the answer."""
        if self.text_us:
            self.texts.append(_text(len(self.texts) + 1, self.text_us, at_us, self._text_needs))

    def _written(self, at_us: int) -> None:
        written = _Written(self._since_call_us, at_us, frozenset(self._woken))
        self._since_call_us = self.text_us = self.answer_us = 0
        self._wrote = True
        head, marker, _ = self._block.removeprefix("[CALL]").partition("[HEAD]")
        if marker and head.strip():
            self._named[head.strip()] = written
        else:
            self._unnamed.append(written)

    def _start(self, start: Start, at_us: int) -> None:
        unknown = _Written(0, at_us, frozenset())
        if start.call in self._named:
            written = self._named[start.call]
        else:
            written = self._unnamed.popleft() if self._unnamed else unknown
        arguments = frozenset(_leaves([*start.args, start.kwargs]))
        flow = {call for call, values in self._values.items() if _flows(values, arguments)}
        self.calls[start.call] = ObservedCall(
            id=start.call,
            function=start.function,
            generate_us=written.generate_us,
            written_us=written.written_us,
            start_us=at_us,
            return_us=-1,
            needs=tuple(sorted((flow | written.needs) & self.calls.keys())),
        )


def _text(number: int, took_us: int, at_us: int, needs: set[str]) -> ObservedCall:
    return ObservedCall(f"(text {number})", "", took_us, at_us, at_us, at_us, tuple(sorted(needs)))


def _leaves(value: Json) -> Iterator[str]:
    """Give the scalar values inside a JSON value that are long enough to tell something."""
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


def observe(rows: Iterable[Row]) -> Observation:
    """Read a real run as a workload.

    Args:
        rows: Its rows, in order.
    """
    observer = _Observer()
    total_us = 0
    for row in rows:
        observer.take(row)
        total_us = row.at_us
    observer.close_run(total_us)
    for call in observer.calls.values():
        if call.return_us < 0:
            call.return_us = total_us
    everything = [*observer.calls.values(), *observer.texts]
    known = observer.calls.keys()
    for one in observer.texts:
        one.needs = tuple(name for name in one.needs if name in known)
    written = tuple(sorted(everything, key=lambda call: call.written_us))
    return Observation(written, observer.answer_us, observer.decode_us, observer.trap_us, total_us)
