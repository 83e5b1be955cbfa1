"""From what a body gives to what a function gets: named, checked, converted (Embed/start)."""

import copy
import inspect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard

from cml.ast import Json
from cml.profile import Body
from cml.wording import counted
from interpreter.tools.arguments import argument_faults
from interpreter.tools.forms import Form
from interpreter.tools.names import argument_names, spelled_parameters
from interpreter.tools.schema import properties
from interpreter.tools.signature import Reading

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ArgumentError(ValueError):
    """Arguments that a function cannot be called with; the message is for the model."""


def bind(
    reading: Reading, args: Sequence[Json], kwargs: Mapping[str, Json], body: Body
) -> tuple[Sequence[object], Mapping[str, object]]:
    """Return the positional and the named arguments that a function is called with.

    They are its own, to change as it likes.

    Args:
        reading: The function.
        args: Positional arguments, as the body gives them.
        kwargs: Named arguments, with the names that the body writes.
        body: The language of the body.

    Raises:
        ArgumentError: They do not fit the function.
    """
    own_args, own_kwargs = copy.deepcopy(list(args)), copy.deepcopy(dict(kwargs))
    if reading.signature is None and not properties(reading.tool.parameters):
        return own_args, own_kwargs
    parameters = spelled_parameters(reading.tool.parameters, body)
    spelled = argument_names(properties(reading.tool.parameters), body)
    named = _named(reading, own_args, own_kwargs, spelled)
    if faults := argument_faults(named, parameters):
        if len(own_args) == 1 and not own_kwargs and _are_all_arguments(own_args[0], spelled):
            forms = ", ".join(f"{name}=…" for name in own_args[0])
            raise ArgumentError(f"the arguments stand in one object; write each by itself: {forms}")
        raise ArgumentError("; ".join(faults))
    own_name = {alias: name for name, alias in spelled.items()}
    given = {own_name.get(name, name): value for name, value in named.items()}
    return _called(reading, given) if reading.signature else ((), given)


def _are_all_arguments(value: Json, spelled: Mapping[str, str]) -> TypeGuard[dict[str, Json]]:
    """Whether a value is an object of named arguments, written as the first argument."""
    return isinstance(value, dict) and bool(value) and value.keys() <= set(spelled.values())


def _named(
    reading: Reading,
    args: Sequence[Json],
    kwargs: Mapping[str, Json],
    spelled: Mapping[str, str],
) -> dict[str, Json]:
    """Return all arguments by name: positional ones are the parameters in their order."""
    places, many = list(spelled.values()), None
    if reading.signature:
        parameters = reading.signature.parameters.values()
        places = [spelled[p.name] for p in parameters if p.kind in _POSITIONAL]
        many = next((spelled[p.name] for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    named = dict(zip(places, args, strict=False))
    rest = list(args[len(places) :])
    if rest and many:
        named[many] = rest
    elif rest:
        known = f": {', '.join(places)}" if places else ""
        raise ArgumentError(
            f"{counted(len(args), 'argument')} without a name; it takes {len(places) or 'none'}{known}"
        )
    if twice := [name for name in kwargs if name in named]:
        raise ArgumentError(f"{twice[0]} is given twice, once without its name")
    return {**named, **kwargs}


def _called(
    reading: Reading, given: dict[str, Json]
) -> tuple[Sequence[object], Mapping[str, object]]:
    signature = reading.signature or inspect.Signature()
    bound = inspect.BoundArguments(signature, OrderedDict())
    for name, parameter in signature.parameters.items():
        form = reading.forms[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            rest = {k: v for k, v in given.items() if k not in signature.parameters or k == name}
            bound.arguments[name] = {k: _converted(k, v, form) for k, v in rest.items()}
        elif name in given:
            value = given[name]
            if parameter.kind is parameter.VAR_POSITIONAL and isinstance(value, list):
                bound.arguments[name] = tuple(_converted(name, entry, form) for entry in value)
            else:
                bound.arguments[name] = _converted(name, value, form)
    bound.apply_defaults()
    return bound.args, bound.kwargs


def _converted(name: str, value: Json, form: Form) -> object:
    try:
        return form.convert(value)
    except Exception as error:
        raise ArgumentError(f"{name}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What a type says against a value that fits its schema; pydantic says it in a list."""
    listed: object = getattr(error, "errors", None)
    if not callable(listed):
        return str(error) or type(error).__name__
    lines = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in listed()]
    return "; ".join(f"{where}: {said}" if where else said for where, said in lines)
