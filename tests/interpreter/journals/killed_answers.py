"""What must be of a session whose process was killed while it ran: nothing lost, nothing told or run twice."""

from collections.abc import Sequence

from killed_session import CALLS

from interpreter.events import Inject, OutcomeKind, Row


def went_in(rows: Sequence[Row]) -> list[tuple[str, OutcomeKind, object]]:
    """Return what the model was told."""
    injected = [e for row in rows for e in row.effects if isinstance(e, Inject)]
    return [
        (told.id, told.outcome.kind, told.outcome.value)
        for each in injected
        for told in each.interrupts
    ]


def require_told_once(rows: Sequence[Row], ran: Sequence[str]) -> None:
    """Hold what the model was told against the runs of functions.

    Args:
        rows: Those of the whole session.
        ran: A line for each run of a function of this session.
    """
    told = went_in(rows)
    assert sorted(each for each, _, _ in told) == sorted(f"c{number}" for number in range(CALLS))
    for identifier, outcome, value in told:
        number = int(identifier[1:])
        is_idempotent = number % 3 == 2
        times = ran.count(f"{'often' if is_idempotent else 'once'} {number}")
        if is_idempotent:
            assert times >= 1
            assert value == number
        elif outcome.value == "returned":
            assert times == 1
            assert value == number
        else:
            assert times <= 1
            assert value["type"] == "interrupted"
