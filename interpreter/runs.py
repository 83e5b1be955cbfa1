"""A run, read from its rows in one place: every picture, table and advice is a view of it.

The machine runs beside the rows, so its own state says which call a block became, and what became
of the call. What is read here is not worked out again elsewhere.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

import interpreter
from cml.ast import Json
from cml.text.identifiers import is_runtime_identifier
from interpreter.errors import HostError
from interpreter.events import (
    Began,
    Decode,
    Decoded,
    Effect,
    Ended,
    EndReason,
    Expired,
    Finish,
    Inject,
    Returned,
    Row,
    Said,
    Start,
)
from interpreter.machine import advance, settle_one, step
from interpreter.state import Settings, State, Status

Ending: TypeAlias = Literal["answered", "length", "no answer", "stopped"]
"""`answered`: the model came to its own end and wrote something after the last interrupt. `length`: the
limit of its output came first. `stopped`: a person or the host ended it."""


class RunCall(msgspec.Struct):
    """One call that was written. Times are in microseconds from the beginning of the session.

    Args:
        call: Its identifier, or `#n`.
        function: What it calls.
        opened_us: When its `[CALL]` was decoded.
        written_us: When its block was complete; from then on it waits until it can start.
        started_us: When it started to run; None if it never did.
        returned_us: When its outcome came; None while it has none.
        delivered_us: When its interrupt went in; None if none did.
        outcome: How it ended, in one word: `waiting` or `running` while it has not.
        value: What it returned, or what is said of its failure; None while it has not ended.
    """

    call: str
    function: str
    opened_us: int
    written_us: int
    started_us: int | None = None
    returned_us: int | None = None
    delivered_us: int | None = None
    outcome: str = Status.WAITING.value
    value: Json = None

    def life(self, now_us: int) -> tuple[int, int, int, int]:
        """Return when it was written, started, returned and was delivered, in microseconds.

        What has not happened is now, or never was: a call that failed before it could start took
        its whole time waiting, and the outcome of one that nobody hears of is not waited for.

        Args:
            now_us: The end of the run so far.
        """
        returned_us = now_us if self.returned_us is None else self.returned_us
        started_us = returned_us if self.started_us is None else self.started_us
        delivered_us = returned_us if self.delivered_us is None else self.delivered_us
        return self.written_us, started_us, returned_us, delivered_us

    @property
    def execute_us(self) -> int:
        """How long it ran, in microseconds; 0 while it runs."""
        if self.started_us is None or self.returned_us is None:
            return 0
        return self.returned_us - self.started_us


class RunMessage(msgspec.Struct):
    """What a person said while a turn was under way.

    Args:
        id: The identifier of its interrupt.
        text: What.
        said_us: When, in microseconds from the beginning of the session.
        read_us: When the model had decoded the first symbol after it; None if it did not.
    """

    id: str
    text: str
    said_us: int
    read_us: int | None = None


class Run(msgspec.Struct, frozen=True):
    """A run as a whole, times in microseconds.

    Args:
        calls: Its calls, in the order in which they were written.
        decoding: When the model was decoding, as pairs of begin and end.
        trap_us: Decoding of traps, which only asynchronous calling needs.
        total_us: How long the session took.
        answer: The prose that the model wrote in the last turn, after the last interrupt.
        reason: Why the last turn ended; None while it has not.
        reading: From where each turn began to its first symbol, as pairs: a model reads what it
            is asked, and writes one. It is no part of `decoding`. No row tells a script, which reads
            nothing, from a model.
        messages: What a person said, in the order in which it came.
    """

    calls: tuple[RunCall, ...]
    decoding: tuple[tuple[int, int], ...]
    trap_us: int
    total_us: int
    answer: str = ""
    reason: EndReason | None = None
    reading: tuple[tuple[int, int], ...] = ()
    messages: tuple[RunMessage, ...] = ()

    def _repr_html_(self) -> str:
        """Show the run over time, in a notebook."""
        return interpreter.as_html(self)

    @property
    def decode_us(self) -> int:
        """How long the model was decoding, in microseconds."""
        return _sum_us(self.decoding)

    @property
    def reading_us(self) -> int:
        """How long it took to the first symbol of each turn, in microseconds."""
        return _sum_us(self.reading)

    @property
    def ending(self) -> Ending:
        """How it ended."""
        match self.reason:
            case "length" | "stopped":
                return self.reason
            case "stop" if self.answer:
                return "answered"
            case _:
                return "no answer"

    @property
    def synchronous_us(self) -> int:
        """How long the same takes without a trap and one call after another, in microseconds."""
        calls_us = sum(call.execute_us for call in self.calls)
        return self.reading_us + self.decode_us - self.trap_us + calls_us


class RunReader:
    """Takes the rows of a run in, one after another, as they come or from a trace.

    Args:
        settings: What the host chose, as in the header of the trace.

    Attributes:
        state: That of the machine after the last row.
        calls: What is known of each call, by key, in the order in which they were written.
        decode_us: How long the model was decoding, in microseconds.
        messages: What a person said, in the order in which it came.
    """

    def __init__(self, settings: Settings) -> None:
        self.state = State(settings)
        self.calls: dict[str, RunCall] = {}
        self.decode_us = 0
        self.messages: list[RunMessage] = []
        self._decoding: list[tuple[int, int]] = []
        self._reading: list[tuple[int, int]] = []
        self._is_reading = False
        self._told = self._read = 0  # messages: how many went in, and after how many it decoded
        self._asked_us = 0
        self._opened_us = 0
        self._opener_asked_us = 0
        self._trap_us = 0
        self._total_us = 0
        self._prose: list[str] = []
        self._reason: EndReason | None = None

    def take(self, row: Row) -> tuple[RunCall, ...]:
        """Take one row in, and return the calls that it settled.

        Raises:
            HostError: The row is not one of a session with these settings.
        """
        before, self.state = self.state, _state_after(self.state, row)
        self._total_us = row.at_us
        if isinstance(row.event, Began):
            self._is_reading = True
            self._prose.clear()
        if isinstance(row.event, Said):
            self.messages.append(
                RunMessage(f"user{len(self.messages) + 1}", row.event.text, row.at_us)
            )
        if isinstance(row.event, Decoded | Ended):
            self._decoded(row.at_us)
        if isinstance(row.event, Decoded) and row.rule == "Step/text":
            # No Rewind takes prose back: only blocks and what no row names.
            self._prose.append(row.event.symbol.text)
        if row.rule in {"Step/trap", "Step/idle-trap"}:
            self._trap_us += row.at_us - self._opener_asked_us
        if self.state.block is not None and before.block is not self.state.block:
            self._block_changed(before, row)
        settled = self._calls_changed(before, row) if self.state.calls is not before.calls else ()
        for effect in row.effects:
            self._take_effect(effect, row.at_us)
        return settled

    @property
    def run(self) -> Run:
        """What was read so far."""
        return Run(
            tuple(self.calls.values()),
            tuple(self._decoding),
            self._trap_us,
            self._total_us,
            "".join(self._prose).strip(),
            self._reason,
            tuple(self._reading),
            tuple(self.messages),
        )

    def _decoded(self, at_us: int) -> None:
        for message in self.messages[self._read : self._told]:
            message.read_us = at_us
        self._read = self._told
        if self._is_reading:
            self._is_reading = False
            self._reading.append((self._asked_us, at_us))
            return
        self.decode_us += at_us - self._asked_us
        if self._decoding and self._decoding[-1][1] == self._asked_us:
            self._decoding[-1] = (self._decoding[-1][0], at_us)
        else:
            self._decoding.append((self._asked_us, at_us))

    def _block_changed(self, before: State, row: Row) -> None:
        if before.block is None or before.opened != self.state.opened:
            self._opened_us, self._opener_asked_us = row.at_us, self._asked_us

    def _calls_changed(self, before: State, row: Row) -> tuple[RunCall, ...]:
        settled = []
        # What was settled is in the one list and not in the other: most rows settle nothing.
        is_shorter = len(self.state.unsettled) < len(before.unsettled) + (row.rule == "Step/call")
        for key in _gone(before, self.state, row) if is_shorter else ():
            after = self.state.calls[key]
            if after.status is Status.SETTLED and after.outcome is not None:
                self.calls[key].returned_us = row.at_us
                self.calls[key].outcome = after.outcome.kind.value
                self.calls[key].value = after.outcome.value
                settled.append(self.calls[key])
        if row.rule == "Step/call":
            key = next(reversed(self.state.calls))
            written = self.state.calls[key].call
            if written is not None:
                self.calls[key] = RunCall(key, written.function, self._opened_us, row.at_us)
        return tuple(settled)

    def _take_effect(self, effect: Effect, at_us: int) -> None:
        match effect:
            case Decode():
                self._asked_us = at_us
            case Start(call):
                self.calls[call].started_us = at_us
                self.calls[call].outcome = Status.RUNNING.value
            case Finish(reason):
                self._reason = reason
            case Inject(interrupts):
                self._prose.clear()
                self._told += sum(_is_message(told.id) for told in interrupts)
                for identifier in {told.id for told in interrupts} & self.calls.keys():
                    if self.calls[identifier].returned_us is not None:
                        self.calls[identifier].delivered_us = at_us
            case _:
                pass


def _gone(before: State, after: State, row: Row) -> Iterable[str]:
    """Return the keys of the calls that a row settled, of which there are some: the one that came
    back, or else whatever is pending no more, in the order of the calls.
    """
    match row.event:
        case Returned(call=call) | Expired(call=call):
            return (call,)
        case _:
            still = set(after.unsettled)
            return [key for key in before.unsettled if key not in still]


def _is_message(identifier: str) -> bool:
    return is_runtime_identifier(identifier) and identifier.startswith("user")


def _sum_us(spans: Iterable[tuple[int, int]]) -> int:
    return sum(end - begin for begin, end in spans)


def _state_after(state: State, row: Row) -> State:
    """Return the state of the machine after a row, if it is the row of that machine."""
    if row.event is not None:
        rule, after, effects = step(advance(state, row.at_us), row.event)
    elif fired := settle_one(state):
        after, rule, effects = fired[0], fired[1].rule, fired[1].effects
    else:
        raise HostError("Embed/replay", f"at {row.at_us} µs no rule applies, found {row.rule}")
    if rule != row.rule:
        message = f"at {row.at_us} µs the rule {rule} fires, found {row.rule}"
        raise HostError("Embed/replay", message)
    if effects != row.effects:
        message = f"at {row.at_us} µs {rule} has other effects than this row says"
        raise HostError("Embed/replay", message)
    return after


def read_run(settings: Settings, rows: Iterable[Row]) -> Run:
    """Read a run from its rows.

    Args:
        settings: What the host chose, as in the header of the trace.
        rows: Its rows, in order.

    Raises:
        HostError: The rows are not those of a session with these settings.
    """
    reader = RunReader(settings)
    for row in rows:
        reader.take(row)
    return reader.run
