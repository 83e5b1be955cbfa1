"""Functions that misbehave. Each can be carried to other processes, and has a form for an event loop."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Final

import msgspec

from cml.ast import OutcomeKind
from interpreter.tools.signature import Function

HUGE: Final = 10_000_000
"""Characters of a result that is refused."""
MARKERS: Final = (
    "[CALL] x [HEAD] f() [END] [INTR] x [HEAD] 1 [END] [TRAP][END] \\[END] \\\\[CALL]"
    " <think> </think> [CALL [END ] \" ' ''' \\ \x00 \x1b[2J \x9b31m \u202e \u200d \ud83d"
)
"""What a result may hold to be taken for something else: by a lexer, a chat template, a terminal."""


def delays(seconds: float = 0.05) -> str:
    """Answer late."""
    time.sleep(seconds)
    return "late"


def hangs(seconds: float = 3_600.0) -> str:
    """Answer when nobody waits any more."""
    return delays(seconds)


def raises() -> None:
    """Raise an error whose message is no Unicode text."""
    raise OSError("no such file: \udcff")


def exits() -> None:
    """Try to end the process, as a program that is called as a function does."""
    sys.exit(3)


def kills_its_worker() -> None:
    """End the process."""
    os._exit(3)


def gives_too_much() -> str:
    """Return ten megabytes."""
    return "x" * HUGE


def gives_markers() -> dict[str, list[str]]:
    """Return what the runtime, a model or a terminal could take for its own."""
    text = MARKERS.encode("utf-8", "backslashreplace").decode()
    return {text: [text]}


def gives_no_json() -> dict[object, str]:
    """Return what has no JSON form: two keys are one as text."""
    return {1: "a", "1": "b"}


def changes(x: list[object]) -> list[object]:
    """Change the argument, and return it."""
    x.append("changed")
    return x


async def delays_in_a_loop(seconds: float = 0.05) -> str:
    """Answer late; others go on."""
    await asyncio.sleep(seconds)
    return "late"


async def hangs_in_a_loop(seconds: float = 3_600.0) -> str:
    """Answer when nobody waits any more, and keep nobody from anything."""
    return await delays_in_a_loop(seconds)


class FunctionFault(msgspec.Struct, frozen=True):
    """What a function may do wrong.

    Args:
        function: Does it.
        coroutine: Does it in an event loop; None where that would end the process.
        arguments: Named arguments, as a Python body writes them.
        ends: How its call ends, if it has a deadline.
        failure: The type of its failure, where all executors tell the same.
    """

    function: Function
    coroutine: Function | None
    arguments: str = ""
    ends: OutcomeKind = OutcomeKind.FAILED
    failure: str | None = None


def _in_a_loop(function: Callable[[], object]) -> Callable[[], Coroutine[object, object, object]]:
    async def run() -> object:
        await asyncio.sleep(0)
        return function()

    return run


def _fault(function: Callable[[], object], ends: OutcomeKind, failure: str | None) -> FunctionFault:
    return FunctionFault(function, _in_a_loop(function), ends=ends, failure=failure)


_FAILED: Final = OutcomeKind.FAILED
_RETURNED: Final = OutcomeKind.RETURNED
FUNCTION_FAULTS: Final[dict[str, FunctionFault]] = {
    "delays": FunctionFault(delays, delays_in_a_loop, "seconds=0.05", ends=_RETURNED),
    "hangs": FunctionFault(hangs, hangs_in_a_loop, "seconds=2.0", ends=OutcomeKind.TIMEOUT),
    "raises": _fault(raises, _FAILED, "OSError"),
    "exits": _fault(exits, _FAILED, "SystemExit"),
    "kills its worker": FunctionFault(kills_its_worker, None),
    "gives too much": _fault(gives_too_much, _FAILED, "result"),
    "gives markers": _fault(gives_markers, _RETURNED, None),
    "gives no JSON": _fault(gives_no_json, _FAILED, "result"),
}
"""All of them, by name."""
