"""Python functions as tools: loaded from a file, called with checked arguments."""

import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias, get_type_hints

import msgspec

from cml.ast import Json, OutcomeKind
from cml.json_values import write_json
from interpreter.events import Outcome, failure

if TYPE_CHECKING:
    from concurrent.futures import Future

Function: TypeAlias = Callable[..., object]


class ToolError(ValueError):
    """A file or function that cannot be offered to a model; the message says what to do."""


def load_functions(path: Path) -> dict[str, Function]:
    """Return the public functions that a Python file defines itself, in their order.

    Args:
        path: The file. It is executed.

    Raises:
        ToolError: There is no such file, it fails, or it defines no public function.
    """
    if not path.is_file():
        raise ToolError(f"{path}: there is no such file; give a Python file with functions")
    spec = importlib.util.spec_from_file_location(f"cml_tools_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ToolError(f"{path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ToolError(f"{path}: {type(error).__name__}: {error}") from error
    functions = _public_functions(module)
    if not functions:
        raise ToolError(f"{path}: defines no public function; a tool is a function without _")
    return functions


def _public_functions(module: ModuleType) -> dict[str, Function]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    }


def call_function(function: Function, args: Sequence[Json], kwargs: Mapping[str, Json]) -> Outcome:
    """Call a function and return how that ended. It is what an executor runs for a Start effect.

    Args:
        function: The function; its type hints say what its arguments must be.
        args: Positional arguments.
        kwargs: Named arguments.

    Raises:
        BaseException: Whatever the function raises; `outcome_of_future` makes an outcome of it.
    """
    bound = _bind(function, args, kwargs)
    if isinstance(bound, Outcome):
        return bound
    return outcome_of(function(*bound.args, **bound.kwargs))


async def call_coroutine(
    function: Callable[..., Awaitable[object]], args: Sequence[Json], kwargs: Mapping[str, Json]
) -> Outcome:
    """Call a coroutine function, as `call_function` calls others."""
    bound = _bind(function, args, kwargs)
    if isinstance(bound, Outcome):
        return bound
    return outcome_of(await function(*bound.args, **bound.kwargs))


def outcome_of(value: object) -> Outcome:
    """Return the outcome of a call that returned a value (Embed/result).

    Dataclasses, dates, sets and the like become their usual JSON form; what has none is a failure.
    """
    try:
        text = write_json(msgspec.to_builtins(value, str_keys=True))
    except (TypeError, ValueError, RecursionError) as error:
        return failure("result", f"the function returned a {type(value).__name__}: {error}")
    return Outcome(OutcomeKind.RETURNED, json.loads(text))


def outcome_of_future(done: "Future[Outcome]") -> Outcome:
    """Return the outcome of a call that an executor has finished with (Embed/start)."""
    if done.cancelled():
        return failure("cancelled", "the call was cancelled", OutcomeKind.CANCELLED)
    error = done.exception()
    if error is None:
        return done.result()
    # Formatting by the library holds even for an error that cannot say its own message.
    line = "".join(traceback.format_exception_only(error)).strip()
    return failure(type(error).__name__, line.partition(": ")[2] or line)


def _bind(
    function: Function, args: Sequence[Json], kwargs: Mapping[str, Json]
) -> inspect.BoundArguments | Outcome:
    """Return the checked arguments, or the outcome that says what is wrong with them."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*args, **kwargs)
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
