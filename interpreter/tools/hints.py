"""Type hints: the JSON Schema of what a hint allows, and from JSON to what it asks for.

msgspec reads hints: it is here anyway, light, fast, and takes every standard container,
dataclasses, and the TypedDict of the standard library on each version of Python (pydantic refuses
that one before 3.12, and is several times as heavy). What msgspec does not know is put before it as
an opaque type, or read by pydantic as a whole, where that is installed. Whether a value
is allowed is decided by the schema alone (`arguments.py`); reading it afterwards only converts.
"""

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from enum import Enum
from types import SimpleNamespace, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec

from cml.ast import Json
from interpreter.tools.constraints import noted
from interpreter.tools.forms import ANYTHING, TEXTS, Form, choice, first_of, record
from interpreter.tools.schema import Schema, without

_REFERENCES: Final = "#/$defs/{name}"
_reading: Final = ContextVar[frozenset[type]]("_reading", default=frozenset())


def read_hint(annotation: object, names: Mapping[str, object]) -> object:
    """Return a hint with its forward references followed; Any, where they lead nowhere.

    Args:
        annotation: As it stands in a signature, perhaps as text.
        names: The global names of its module. What is imported for type checkers only is not
            among them.
    """
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return get_type_hints(holder, dict(names), include_extras=True)["it"]
    except Exception:  # noqa: BLE001  a hint is code of somebody else's: it may raise anything
        return Any


def form_of(hint: object) -> Form:
    """Return the JSON form of a hint; a hint that says nothing about JSON allows anything."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        form = form_of(inner)
        return msgspec.structs.replace(form, schema={**form.schema, **noted(notes, form.schema)})
    for read in (_by_msgspec, _by_pydantic):
        try:
            return read(hint)
        except Exception:  # noqa: BLE001, S112  each library has errors of its own for "not mine"
            continue
    return ANYTHING


def _by_msgspec(hint: object) -> Form:
    known = _known(hint)
    inner: dict[str, Schema] = {}

    def schema_of(kind: type) -> Schema:
        schema = _opaque_schema(kind)
        inner.update(kind.form.definitions if isinstance(kind, _Opaque) else {})
        return schema

    [schema], outer = msgspec.json.schema_components(
        [known], schema_hook=schema_of, ref_template=_REFERENCES
    )
    definitions = {name: _plain(entry) for name, entry in outer.items()}
    if any(definitions[name] != inner[name] for name in definitions.keys() & inner.keys()):
        raise TypeError("two types of one name")

    def convert(value: Json) -> object:
        return msgspec.convert(_whole(value), known, str_keys=True, dec_hook=_opaque_value)

    return Form(_plain(schema), {**definitions, **inner}, convert)


def _whole(value: Json) -> Json:
    """In JSON 3.0 is a whole number; to msgspec it is none."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_whole(entry) for entry in value]
        case dict():
            return {key: _whole(entry) for key, entry in value.items()}
        case _:
            return value


def _by_pydantic(hint: object) -> Form:
    adapter = importlib.import_module("pydantic").TypeAdapter(hint)
    schema: Schema = adapter.json_schema(ref_template=_REFERENCES.replace("name", "model"))
    definitions = schema.pop("$defs", {})
    named = definitions if isinstance(definitions, dict) else {}
    return Form(
        _plain(schema),
        {name: _plain(entry) for name, entry in named.items() if isinstance(entry, dict)},
        adapter.validate_python,
    )


def _plain(schema: Schema) -> Schema:
    """Titles repeat names; a set takes its members twice, it only keeps them once."""
    return without(schema, "title", "uniqueItems")


# --------------------------------------------------------------------------- opaque to msgspec


class _Opaque(type):
    """A type that msgspec hands over unread. `form` is its JSON form."""

    form: Form

    def __instancecheck__(cls, instance: object) -> bool:
        return True


def _opaque(form: Form) -> object:
    return Any if form is ANYTHING else _Opaque("Opaque", (), {"form": form})


def _opaque_schema(kind: type) -> Schema:
    if isinstance(kind, _Opaque):
        return kind.form.schema
    raise TypeError(f"{kind} has no schema")


def _opaque_value(kind: type, value: Json) -> object:
    if isinstance(kind, _Opaque):
        return kind.form.convert(value)
    raise TypeError(f"{kind} is not read from JSON")


def _known(hint: object) -> object:
    """Return a hint in which what msgspec does not know is opaque."""
    if hint is object:
        return Any
    if isinstance(hint, type) and get_origin(hint) is None:
        return _known_class(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if read := _READ.get(origin):
        return read(hint)
    if origin is None or not parts or origin is type:
        return hint
    known = tuple(part if part is ... else _known(part) for part in parts)
    return hint if known == parts else origin[known if len(known) > 1 else known[0]]


def _known_class(hint: type) -> object:
    if hint in TEXTS:
        return _opaque(TEXTS[hint])
    if issubclass(hint, Enum):
        return _opaque(choice(tuple(hint)))
    if hasattr(hint, "__pydantic_validator__"):
        return _opaque(_by_pydantic(hint))
    return _known_record(hint) if dataclasses.is_dataclass(hint) or is_typeddict(hint) else hint


def _known_record(hint: type) -> object:
    """A record that msgspec reads, unless one of its fields is opaque to it."""
    if hint in _reading.get():
        return hint  # it refers to itself
    token = _reading.set(_reading.get() | {hint})
    try:
        hints = get_type_hints(hint, include_extras=True)
        if all(_known(part) is part or _known(part) == part for part in hints.values()):
            return hint
        return _opaque(record({name: form_of(part) for name, part in hints.items()}, hint))
    finally:
        _reading.reset(token)


def _known_union(hint: object) -> object:
    """A union that msgspec can tell apart; else one whose members are tried in turn."""
    parts = get_args(hint)
    members = tuple(map(_known, parts))
    known: object = Union[members]  # noqa: UP007  of values, not of names
    try:
        msgspec.json.schema(known, schema_hook=_opaque_schema)
    except TypeError:
        return _opaque(first_of(form_of(part) for part in parts))
    return known


_READ: Final[dict[object, Callable[[object], object]]] = {
    Literal: lambda hint: _opaque(choice(get_args(hint))),
    Annotated: lambda hint: _opaque(form_of(hint)),
    Union: _known_union,
    UnionType: _known_union,
    **dict.fromkeys((Required, NotRequired, Final), lambda hint: _known(get_args(hint)[0])),
}
