"""A way to a violation, told as a run vector: the same events from a script and functions."""

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from interpreter.events import Decode, Decoded, Ended, Expired, Returned, Row, Said, Start, Stopped
from interpreter.state import Settings
from interpreter.vectors import Planned, RunVector, ScriptedToken, TimedOutcome


def tell(name: str, fault: str, rows: Sequence[Row], settings: Settings) -> RunVector:
    """Return the run vector in which these events happen.

    A deadline is told for its function, so a way on which two calls of one function expire after
    different times is told with that of the last.

    Args:
        name: That of the vector.
        fault: What went wrong.
        rows: The way to it.
        settings: What the host chose.
    """
    script: list[ScriptedToken] = []
    answers: dict[str, list[TimedOutcome]] = {}
    functions: defaultdict[str, list[str]] = defaultdict(list)
    planned: list[Planned] = []
    started: dict[str, tuple[int, str]] = {}
    deadlines_us = dict(settings.deadlines_us)
    asked_us = 0
    for row in rows:
        match row.event:
            case Decoded(symbol):
                script.append(ScriptedToken(symbol.text, row.at_us - asked_us))
            case Ended(reason):
                script.append(ScriptedToken(end=reason))
            case Returned(call, outcome):
                answers[call].append(TimedOutcome(row.at_us - started[call][0], outcome))
            case Expired(call):
                start_us, function = started[call]
                deadlines_us[function] = row.at_us - start_us
            case Said() | Stopped() as event:
                planned.append(Planned(row.at_us, event))
            case _:
                pass
        for effect in row.effects:
            match effect:
                case Decode():
                    asked_us = row.at_us
                case Start(call, function):
                    started[call] = (row.at_us, function)
                    answers[call] = []
                    functions[function].append(call)
                case _:
                    pass
    return RunVector(
        name,
        f"The shortest way to this: {fault}.",
        tuple(sorted({row.rule for row in rows if row.rule})),
        tuple(script),
        "",
        tuple(rows),
        replace(settings, deadlines_us=deadlines_us),
        functions={f: tuple(tuple(answers[c]) for c in calls) for f, calls in functions.items()},
        planned=tuple(planned),
    )
