"""What a run took, read off its rows."""

from collections.abc import Iterable

import msgspec

from interpreter.events import Decode, Decoded, Ended, Expired, Inject, Returned, Row, Start


class CallSpan(msgspec.Struct):
    """The life of one call, in microseconds from the beginning of the session.

    Args:
        call: Its identifier, or `#n`.
        function: What it called.
        open_us: When its block began to be decoded.
        start_us: When it started to run.
        return_us: When its outcome came; None if it never did.
        deliver_us: When its interrupt went in; None if it never did.
        outcome: How it ended, in one word.
    """

    call: str
    function: str
    open_us: int
    start_us: int
    return_us: int | None = None
    deliver_us: int | None = None
    outcome: str = "running"

    @property
    def execute_us(self) -> int:
        """How long it ran, in microseconds."""
        return 0 if self.return_us is None else self.return_us - self.start_us


class Summary(msgspec.Struct):
    """A run as a whole, times in microseconds.

    Args:
        calls: Its calls, in the order in which they started.
        decoding: When the model was decoding, as pairs of begin and end.
        total_us: How long the session took.
    """

    calls: tuple[CallSpan, ...]
    decoding: tuple[tuple[int, int], ...]
    total_us: int

    @property
    def decode_us(self) -> int:
        """How long the model was decoding, in microseconds."""
        return sum(end - begin for begin, end in self.decoding)

    @property
    def synchronous_us(self) -> int:
        """How long the same decoding and the same calls take one after another, in microseconds."""
        return self.decode_us + sum(call.execute_us for call in self.calls)


class _Builder:
    def __init__(self) -> None:
        self.calls: dict[str, CallSpan] = {}
        self.decoding: list[tuple[int, int]] = []
        self._asked_us = 0
        self._open_us = 0

    def take(self, row: Row) -> None:
        match row.event:
            case Decoded() | Ended():
                self._decoded(row.at_us)
            case Returned(call, outcome) if row.rule == "Step/return":
                self.calls[call].return_us = row.at_us
                self.calls[call].outcome = outcome.kind.value
            case Expired(call) if row.rule == "Step/timeout":
                self.calls[call].return_us = row.at_us
                self.calls[call].outcome = "timeout"
            case _:
                pass
        if row.rule in {"Step/open", "Step/malformed"}:
            self._open_us = row.at_us
        for effect in row.effects:
            match effect:
                case Decode():
                    self._asked_us = row.at_us
                case Start(call, function):
                    self.calls[call] = CallSpan(call, function, self._open_us, row.at_us)
                case Inject(interrupts):
                    self._delivered({delivery.id for delivery in interrupts}, row.at_us)
                case _:
                    pass

    def _decoded(self, at_us: int) -> None:
        if self.decoding and self.decoding[-1][1] == self._asked_us:
            self.decoding[-1] = (self.decoding[-1][0], at_us)
        else:
            self.decoding.append((self._asked_us, at_us))

    def _delivered(self, identifiers: set[str], at_us: int) -> None:
        for identifier in identifiers & self.calls.keys():
            self.calls[identifier].deliver_us = at_us


def summarize(rows: Iterable[Row]) -> Summary:
    """Return what a run took.

    Args:
        rows: Its rows, in order.
    """
    builder = _Builder()
    total_us = 0
    for row in rows:
        builder.take(row)
        total_us = row.at_us
    return Summary(tuple(builder.calls.values()), tuple(builder.decoding), total_us)
