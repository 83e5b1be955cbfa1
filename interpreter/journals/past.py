"""What a trace says of a session whose process died, for a driver that goes on from it (Embed/resume)."""

from collections.abc import Iterable

import msgspec

from interpreter.events import Row, Start
from interpreter.state import State, Status
from interpreter.trace import Header, followed


class Running(msgspec.Struct, frozen=True):
    """A call that has no outcome in the trace. Whether it ran, and how far, nobody knows.

    Args:
        start: How it was started.
        at_us: When, in microseconds from the beginning of the session.
    """

    start: Start
    at_us: int


class Past(msgspec.Struct, frozen=True):
    """A session so far.

    Args:
        header: The first line of its trace.
        rows: Its rows, in order.
        state: That of the machine after the last row: it may have to settle yet, where the trace
            breaks off in the middle of an instant.
        running: The calls that ran then, in their start order.
    """

    header: Header
    rows: tuple[Row, ...]
    state: State
    running: tuple[Running, ...]


def past_of(header: Header, rows: Iterable[Row]) -> Past:
    """Run the machine over the rows of a trace, which may break off anywhere.

    Args:
        header: The first line of the trace.
        rows: Its rows.

    Raises:
        TraceError: A row is not what the machine does, or a line is at fault.
    """
    state, kept, started = State(header.settings), [], dict[str, Running]()
    for row, after in followed(state, rows):
        state = after
        kept.append(row)
        for effect in row.effects:
            if isinstance(effect, Start):
                started[effect.call] = Running(effect, row.at_us)
    running = (each for call, each in started.items() if state.calls[call].status is Status.RUNNING)
    return Past(header, tuple(kept), state, tuple(running))
