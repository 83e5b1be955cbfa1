"""The vectors of sessions and of schedules, and how an implementation is asked all there are."""

from interpreter.vectors.runs import (
    Planned,
    RunVector,
    ScriptedToken,
    TimedOutcome,
    read_vector,
    run_vector,
    write_vector,
)

__all__ = [
    "Planned",
    "RunVector",
    "ScriptedToken",
    "TimedOutcome",
    "read_vector",
    "run_vector",
    "write_vector",
]
