"""JSON forms: of a type, what JSON it has and what a function gets for it."""

import dataclasses
import datetime as dt
import ipaddress
import pathlib
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final, NotRequired, Required, get_origin, get_type_hints, is_typeddict

import msgspec

from cml.ast import Json
from interpreter.tools.arguments import is_allowed
from interpreter.tools.schema import ANY, Schema


class Form(msgspec.Struct, frozen=True):
    """The JSON form of a type.

    Args:
        schema: What JSON values it has.
        definitions: What the schema refers to, by name.
        convert: From such a value to one of the type. Raises ValueError or TypeError where the
            type itself refuses it.
    """

    schema: Schema
    definitions: dict[str, Schema]
    convert: Callable[[Json], object]


ANYTHING: Final = Form(ANY, {}, lambda value: value)


def _text(kind: Callable[[str], object], name: str) -> Form:
    return Form({"type": "string", "format": name}, {}, lambda value: kind(str(value)))


TEXTS: Final[dict[object, Form]] = {
    dt.datetime: _text(dt.datetime.fromisoformat, "date-time"),
    dt.time: _text(dt.time.fromisoformat, "time"),
    pathlib.Path: _text(pathlib.Path, "path"),
    pathlib.PurePath: _text(pathlib.PurePath, "path"),
    ipaddress.IPv4Address: _text(ipaddress.IPv4Address, "ipv4"),
    ipaddress.IPv6Address: _text(ipaddress.IPv6Address, "ipv6"),
}


def choice(members: tuple[object, ...]) -> Form:
    """Constants, each spelled by its value; an enum's members are what the function gets.

    Raises:
        TypeError: One is no JSON value.
    """
    values = {_key(spelled := _spelling(member)): (spelled, member) for member in members}
    constants = [spelled for spelled, _ in values.values()]
    return Form({"enum": constants}, {}, lambda value: values[_key(value)][1])


def _key(value: Json) -> tuple[bool, Json]:
    """1 and 1.0 are the same constant, 1 and true are not."""
    return isinstance(value, bool), value


def _spelling(member: object) -> Json:
    value: object = member.value if isinstance(member, Enum) else member
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if value is None:
        return None
    raise TypeError(f"{value!r} is no JSON value")


def record(fields: Mapping[str, Form], kind: type) -> Form:
    """A dataclass or a TypedDict.

    Args:
        fields: The forms of its fields, by name.
        kind: The class.
    """
    if is_typeddict(kind):
        needed = [name for name in fields if _is_required(name, kind)]
    else:
        own = [f for f in dataclasses.fields(kind) if f.init]
        fields = {f.name: fields[f.name] for f in own}
        needed = [f.name for f in own if f.default is f.default_factory is dataclasses.MISSING]

    def convert(value: Json) -> object:
        given = value if isinstance(value, dict) else {}
        return kind(**{k: fields[k].convert(v) for k, v in given.items() if k in fields})

    return Form(
        {
            "type": "object",
            "properties": {name: form.schema for name, form in fields.items()},
            "required": list[Json](needed),
        },
        {k: v for form in fields.values() for k, v in form.definitions.items()},
        convert,
    )


def _is_required(name: str, kind: type) -> bool:
    """Whether a TypedDict needs a key; hints given as text are unknown to the class itself."""
    hint = get_type_hints(kind, include_extras=True)[name]
    if get_origin(hint) in {Required, NotRequired}:
        return get_origin(hint) is Required
    return name in getattr(kind, "__required_keys__", ())


def first_of(forms: Iterable[Form]) -> Form:
    """A union: the first member that allows a value reads it."""
    members = tuple(forms)

    def convert(value: Json) -> object:
        for form in members:
            if is_allowed(value, {**form.schema, "$defs": dict(form.definitions)}):
                return form.convert(value)
        raise ValueError("it is none of the kinds that are allowed")

    definitions = {k: v for form in members for k, v in form.definitions.items()}
    return Form({"anyOf": [form.schema for form in members]}, definitions, convert)
