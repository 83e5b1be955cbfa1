"""Calling a function, and what becomes of it: always an outcome (Embed/start, Embed/result)."""

import asyncio
import inspect
import traceback
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Final, TypeAlias

from cml.ast import Json, OutcomeKind
from cml.profile import Body
from interpreter.events import Outcome, failure
from interpreter.tools.binding import ArgumentError, bind
from interpreter.tools.progress import CURRENT, Cancelled, Progress, no_progress
from interpreter.tools.results import outcome_of
from interpreter.tools.signature import Function, called, reading_of

if TYPE_CHECKING:
    from concurrent.futures import Future

Answering: TypeAlias = "Future[Outcome] | asyncio.Future[Outcome]"
"""What a call that was started comes back by: from an executor, or in an event loop."""

_LONGEST_MESSAGE: Final = 65_536
_IS_CALLED: Final[ContextVar[bool]] = ContextVar("cml_is_called", default=False)
"""Not `CURRENT`: that is known already where a call is handed to its executor, by whoever drives the session."""


def is_in_a_call() -> bool:
    """Whether what runs here was called by a session."""
    return _IS_CALLED.get()


def is_coroutine_function(function: Function) -> bool:
    """Whether a function, method, partial or object is one that an event loop runs."""
    code = called(function)
    return inspect.iscoroutinefunction(code) or inspect.isasyncgenfunction(code)


def call_function(
    function: Function,
    args: Sequence[Json],
    kwargs: Mapping[str, Json],
    body: Body = Body.PYTHON,
    progress: Progress | None = None,
) -> Outcome:
    """Call a function and return how that ended. It is what an executor runs for a Start effect.

    What the function raises is made an outcome here, where it was raised: not every error can be
    carried from one process to another. It gets arguments of its own, to change as it likes.

    Args:
        function: The function. An awaitable that it returns is awaited; what a generator yields
            is reported as progress, and what it returns is the result.
        args: Positional arguments.
        kwargs: Named arguments.
        body: The language of the body that gave them: it spells their names.
        progress: Takes what the function reports on its way.
    """
    return copy_context().run(_call, function, args, kwargs, body, progress or no_progress())


def _call(
    function: Function,
    args: Sequence[Json],
    kwargs: Mapping[str, Json],
    body: Body,
    progress: Progress,
) -> Outcome:
    CURRENT.set(progress)
    _IS_CALLED.set(True)
    try:
        value = _begun(function, args, kwargs, body)
        if isinstance(value, Generator):
            return outcome_of(_exhausted(value, progress))
        if inspect.isawaitable(value) or inspect.isasyncgen(value):
            return outcome_of(asyncio.run(_awaited(value, progress)))
        return outcome_of(value)
    except BaseException as error:  # noqa: BLE001  an exit of a function is an answer as well
        return outcome_of_error(error)


async def call_coroutine(
    function: Function,
    args: Sequence[Json],
    kwargs: Mapping[str, Json],
    body: Body = Body.PYTHON,
    progress: Progress | None = None,
) -> Outcome:
    """Call a coroutine function, as `call_function` calls others.

    Raises:
        asyncio.CancelledError: The call was cancelled.
    """
    progress = progress or no_progress()
    CURRENT.set(progress)  # in the context of its task, which is its own
    _IS_CALLED.set(True)
    try:
        value = _begun(function, args, kwargs, body)
        # A coroutine is awaited right here: of thousands that wait, one more each is much memory.
        come = value if inspect.isawaitable(value) else _awaited(value, progress)
        return outcome_of(await come)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  as above; an exit would end the event loop
        return outcome_of_error(error)


def _begun(
    function: Function, args: Sequence[Json], kwargs: Mapping[str, Json], body: Body
) -> object:
    """Call a function with what a body gives it, and return what it returns, or what it begins with."""
    bound_args, bound_kwargs = bind(reading_of(function), args, kwargs, body)
    return function(*bound_args, **bound_kwargs)


def _exhausted(generator: Generator[object, object, object], progress: Progress) -> object:
    try:
        while True:
            progress.report(next(generator))
    except StopIteration as end:
        return end.value
    finally:
        generator.close()


async def _awaited(value: object, progress: Progress) -> object:
    """Return what an awaitable comes to. An async generator cannot return a value: its last one
    counts as its result too.
    """
    if inspect.isawaitable(value):
        return await value
    last = None
    if isinstance(value, AsyncGenerator):
        async with aclosing(value):  # it ends here too where a report is refused
            async for last in value:
                progress.report(last)
    return last


def outcome_of_future(done: "Answering") -> Outcome:
    """Return the outcome of a call that an executor has finished with (Embed/start).

    Whatever is wrong with the future is an outcome too: the session waits for one.
    """
    try:
        if not done.done():
            return failure("executor", "the executor called back before the call was done")
        if done.cancelled():
            return failure("cancelled", "the call was cancelled", OutcomeKind.CANCELLED)
        error = done.exception()
        return _checked(done.result()) if error is None else outcome_of_error(error)
    except Exception as error:  # noqa: BLE001  a future of somebody else's
        return outcome_of_error(error)


def _checked(outcome: object) -> Outcome:
    match outcome:
        case Outcome(OutcomeKind.PROGRESS):
            return failure("executor", "the executor gave progress where an outcome was due")
        case Outcome(OutcomeKind() as kind, value):
            return outcome_of(value, kind)
        case _:
            name = type(outcome).__name__
            return failure("executor", f"the executor gave a {name} where an outcome was due")


def outcome_of_error(error: BaseException) -> Outcome:
    """Return the outcome of a call that raised, or that an executor could not run (Embed/start)."""
    if isinstance(error, ArgumentError):
        return failure("arguments", str(error))
    if isinstance(error, Cancelled):
        return failure("cancelled", "the call was cancelled", OutcomeKind.CANCELLED)
    if isinstance(error, MemoryError):
        return failure(
            "MemoryError", str(error) or "the call asked for more memory than it may have"
        )
    # Formatting by the library holds even for an error that cannot say its own message.
    line = "".join(traceback.format_exception_only(error)).strip()
    message = line.partition(": ")[2] or line
    return failure(type(error).__name__, message[:_LONGEST_MESSAGE])
