"""Calling a function, and what becomes of it: always an outcome (Embed/start, Embed/result)."""

import asyncio
import copy
import inspect
import json
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Final, TypeAlias, get_type_hints

import msgspec

from cml.ast import Json, OutcomeKind
from cml.json_values import write_json
from interpreter.events import Outcome, failure

if TYPE_CHECKING:
    from concurrent.futures import Future

Function: TypeAlias = Callable[..., object]

_IN_A_CALL: Final = ContextVar("_IN_A_CALL", default=False)


def is_in_a_call() -> bool:
    """Whether what runs here was called by a session."""
    return _IN_A_CALL.get()


def call_function(function: Function, args: Sequence[Json], kwargs: Mapping[str, Json]) -> Outcome:
    """Call a function and return how that ended. It is what an executor runs for a Start effect.

    What the function raises is made an outcome here, where it was raised: not every error can be
    carried from one process to another. It gets arguments of its own, to change as it likes.

    Args:
        function: The function; its type hints say what its arguments must be. An awaitable that it
            returns is awaited.
        args: Positional arguments.
        kwargs: Named arguments.
    """
    return copy_context().run(_call, function, args, kwargs)


def _call(function: Function, args: Sequence[Json], kwargs: Mapping[str, Json]) -> Outcome:
    _IN_A_CALL.set(True)
    try:
        bound = _bind(function, args, kwargs)
        if isinstance(bound, Outcome):
            return bound
        value = function(*bound.args, **bound.kwargs)
        return outcome_of(asyncio.run(_result(value)) if inspect.isawaitable(value) else value)
    except BaseException as error:  # noqa: BLE001  an exit of a function is an answer as well
        return outcome_of_error(error)


async def call_coroutine(
    function: Callable[..., Awaitable[object]], args: Sequence[Json], kwargs: Mapping[str, Json]
) -> Outcome:
    """Call a coroutine function, as `call_function` calls others.

    Raises:
        asyncio.CancelledError: The call was cancelled.
    """
    _IN_A_CALL.set(True)  # in the context of its task, which is its own
    try:
        bound = _bind(function, args, kwargs)
        if isinstance(bound, Outcome):
            return bound
        return outcome_of(await function(*bound.args, **bound.kwargs))
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  as above; an exit would end the event loop
        return outcome_of_error(error)


async def _result(value: Awaitable[object]) -> object:
    return await value


def outcome_of(value: object) -> Outcome:
    """Return the outcome of a call that returned a value (Embed/result).

    Dataclasses, dates, sets and the like become their usual JSON form; what has none is a failure.
    """
    try:
        text = write_json(_json_form(value))
    except (TypeError, ValueError, RecursionError) as error:
        return failure("result", f"the function returned a {type(value).__name__}: {error}")
    return Outcome(OutcomeKind.RETURNED, json.loads(text))


def _json_form(value: object) -> object:
    form: object = msgspec.to_builtins(value, str_keys=True)
    if _entries(form) != _entries(msgspec.to_builtins(value)):
        raise ValueError("two keys of an object are the same as strings")
    return form


def _entries(value: object) -> int:
    """How many entries the objects in a value have."""
    match value:
        case dict():
            return len(value) + sum(map(_entries, value.values()))
        case list() | tuple() | set() | frozenset():
            return sum(map(_entries, value))
        case _:
            return 0


def outcome_of_future(done: "Future[Outcome]") -> Outcome:
    """Return the outcome of a call that an executor has finished with (Embed/start)."""
    if done.cancelled():
        return failure("cancelled", "the call was cancelled", OutcomeKind.CANCELLED)
    error = done.exception()
    if error is not None:
        return outcome_of_error(error)
    outcome: object = done.result()
    if not isinstance(outcome, Outcome):
        name = type(outcome).__name__
        return failure("executor", f"the executor gave a {name} where an outcome was due")
    try:
        write_json(outcome.value)
    except ValueError as fault:
        return failure("result", f"the executor gave a {type(outcome.value).__name__}: {fault}")
    return outcome


def outcome_of_error(error: BaseException) -> Outcome:
    """Return the outcome of a call that raised, or that an executor could not run (Embed/start)."""
    # Formatting by the library holds even for an error that cannot say its own message.
    line = "".join(traceback.format_exception_only(error)).strip()
    return failure(type(error).__name__, line.partition(": ")[2] or line)


def _bind(
    function: Function, args: Sequence[Json], kwargs: Mapping[str, Json]
) -> inspect.BoundArguments | Outcome:
    """Return the checked arguments, or the outcome that says what is wrong with them."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*copy.deepcopy(args), **copy.deepcopy(dict(kwargs)))
        hints = get_type_hints(function)
        for name, value in bound.arguments.items():
            bound.arguments[name] = _convert(name, value, hints.get(name, object))
    except (TypeError, msgspec.ValidationError) as error:
        return failure("arguments", f"{error}; expected {function.__name__}{signature}")
    return bound


def _convert(name: str, value: Json, hint: object) -> object:
    """Return the value as the hint wants it; a hint that says nothing about JSON checks nothing."""
    try:
        return value if hint is object else msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"{name}: {error}") from None
    except TypeError:
        return value
