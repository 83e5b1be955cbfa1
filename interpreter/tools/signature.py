"""What a model is told of a tool: its name, its parameters and their types, one line of text.

The same signature makes the prompt and the mask of constrained decoding, so the two never differ.
"""

import inspect
import types
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from cml.symbols import MARKER_NAMES
from interpreter.tools.calling import Function
from interpreter.tools.python import ToolError


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A string."""


class Integer(msgspec.Struct, frozen=True, tag="integer"):
    """A whole number."""


class Number(msgspec.Struct, frozen=True, tag="number"):
    """A number, whole or with decimals."""


class Truth(msgspec.Struct, frozen=True, tag="truth"):
    """True or False."""


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    """One of a few constants."""

    values: tuple[str | int | bool | None, ...]


class ListOf(msgspec.Struct, frozen=True, tag="list"):
    """A list of any length."""

    item: "ParameterType"


class OrNone(msgspec.Struct, frozen=True, tag="or_none"):
    """A value, or None."""

    value: "ParameterType"


ParameterType: TypeAlias = Text | Integer | Number | Truth | Choice | ListOf | OrNone


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a tool; it is always given by name.

    Args:
        name: An ASCII identifier.
        type: What its value must be.
        required: Whether a call must give it.
    """

    name: str
    type: ParameterType
    required: bool = True


class ToolSignature(msgspec.Struct, frozen=True):
    """What a model is told of a tool.

    Args:
        name: The (dotted) name by which a call body names it.
        parameters: In the order in which calls give them.
        description: One line on what it does; may be empty.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    description: str = ""


_SIMPLE: Final[dict[type, ParameterType]] = {
    str: Text(),
    int: Integer(),
    float: Number(),
    bool: Truth(),
}
_SUPPORTED: Final = "str, int, float, bool, Literal[...], list[...] or one of these `| None`"
_BY_NAME: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def signature_of(function: Function) -> ToolSignature:
    """Return the signature of a Python function, from its type hints and its docstring.

    Args:
        function: Its parameters are annotated with str, int, float, bool, Literal, list of these,
            or one of these or None. The first line of the docstring describes it.

    Raises:
        ToolError: A parameter has no annotation or another one, or cannot be given by name.
    """
    name = function.__name__
    _check_identifier(name, f"the function {name!r}")
    hints = _hints(function)
    parameters = [
        _parameter(name, parameter, hints)
        for parameter in inspect.signature(function).parameters.values()
    ]
    lines = (inspect.getdoc(function) or "").splitlines()
    return ToolSignature(name, tuple(parameters), lines[0].strip() if lines else "")


def describe_signature(tool: ToolSignature) -> str:
    """Return a signature as one line of Python, as in `days(city: str, n: int = ...)`."""
    parameters = (
        f"{p.name}: {describe_type(p.type)}{'' if p.required else ' = ...'}"
        for p in tool.parameters
    )
    return f"{tool.name}({', '.join(parameters)})"


def describe_type(kind: ParameterType) -> str:
    """Return a parameter's type as Python spells it."""
    match kind:
        case Text() | Integer() | Number() | Truth():
            return next(name.__name__ for name, simple in _SIMPLE.items() if simple == kind)
        case Choice(values):
            return f"Literal[{', '.join(map(repr, values))}]"
        case ListOf(item):
            return f"list[{describe_type(item)}]"
        case OrNone(value):
            return f"{describe_type(value)} | None"


def _hints(function: Function) -> dict[str, object]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError) as error:
        raise ToolError(f"{function.__name__}: its annotations cannot be read: {error}") from error


def _parameter(function: str, parameter: inspect.Parameter, hints: dict[str, object]) -> Parameter:
    where = f"{function}: the parameter {parameter.name!r}"
    _check_identifier(parameter.name, where)
    if parameter.kind not in _BY_NAME:
        raise ToolError(f"{where} cannot be given by name; make it an ordinary parameter")
    if parameter.name not in hints:
        raise ToolError(f"{where} has no type; annotate it with {_SUPPORTED}")
    required = parameter.default is inspect.Parameter.empty
    return Parameter(parameter.name, _type_of(hints[parameter.name], where), required)


def _type_of(hint: object, where: str) -> ParameterType:
    simple = _SIMPLE.get(hint) if isinstance(hint, type) else None
    if simple is not None:
        return simple
    read = _COMPOUND.get(get_origin(hint))
    found = read(get_args(hint), where) if read else None
    if found is None:
        shown = getattr(hint, "__name__", None) if isinstance(hint, type) else None
        raise ToolError(f"{where} has the type {shown or hint}; expected {_SUPPORTED}")
    return found


def _choice(values: tuple[object, ...], _where: str) -> ParameterType | None:
    known = tuple(v for v in values if v is None or isinstance(v, str | int | bool))
    return Choice(known) if len(known) == len(values) else None


def _list(items: tuple[object, ...], where: str) -> ParameterType | None:
    return ListOf(_type_of(items[0], where))


def _or_none(members: tuple[object, ...], where: str) -> ParameterType | None:
    others = [member for member in members if member is not type(None)]
    if len(others) != 1 or len(members) != 2:
        return None
    return OrNone(_type_of(others[0], where))


_COMPOUND: Final[dict[object, Callable[[tuple[object, ...], str], ParameterType | None]]] = {
    Literal: _choice,
    list: _list,
    Union: _or_none,
    types.UnionType: _or_none,
}


def _check_identifier(name: str, where: str) -> None:
    if not name.isascii() or not name.isidentifier() or name in MARKER_NAMES:
        raise ToolError(
            f"{where} cannot be written in a call; name it with ASCII letters, digits and _, "
            "and not like a marker"
        )
