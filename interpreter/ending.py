"""How a run ended: was the question answered, and with what words?"""

from typing import Literal, TypeAlias

from interpreter.runs import Run

Ending: TypeAlias = Literal["answered", "length", "no answer", "stopped"]


def ending(run: Run) -> Ending:
    """Return how a run ended.

    Args:
        run: The run, to its last row.

    Returns:
        `answered` when the model came to its own end and wrote something after the last interrupt;
        `length` when the limit of its output came first; `stopped` when a person or the host ended
        it; else `no answer`.
    """
    match run.reason:
        case "length" | "stopped":
            return run.reason
        case "stop" if run.answer:
            return "answered"
        case _:
            return "no answer"
