"""The vectors of sessions and of schedules, and how an implementation is asked all there are."""

from interpreter.vectors.runs import (
    Answer,
    Planned,
    RunVector,
    Written,
    read_vector,
    run_vector,
    write_vector,
)

__all__ = [
    "Answer",
    "Planned",
    "RunVector",
    "Written",
    "read_vector",
    "run_vector",
    "write_vector",
]
