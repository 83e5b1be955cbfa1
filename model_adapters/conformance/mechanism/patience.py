"""How long a check waits: for what happens, or many turns of its own thread, never for a time that a machine misses."""

import threading
from typing import Final

LONGEST_S: Final = 60.0
"""How long a function waits for what may never come, in seconds: a slow backend needs its time for some words."""
TURN_S: Final = 0.01
MANY_TURNS: Final = 50
_SOME_TURNS: Final = 5


def comes(event: threading.Event) -> bool:
    """Wait for what is due, many turns of this thread, and return whether it came.

    A turn takes the longer the busier the machine is, and so for all threads: what is due has its turns as well.
    """
    return any(event.wait(TURN_S) for _ in range(MANY_TURNS))


def let_others_run() -> None:
    """Give what should not happen the time to happen."""
    for _ in range(_SOME_TURNS):
        threading.Event().wait(TURN_S)
