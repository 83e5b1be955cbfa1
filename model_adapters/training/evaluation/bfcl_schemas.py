"""Functions as the Berkeley leaderboard describes them, as tools: it names some types otherwise."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from interpreter.tools.declared import Tool
from interpreter.tools.schema import Schema

if TYPE_CHECKING:
    from cml.ast import Json
else:  # the reader of the data takes any JSON value here
    Json = object

_TYPES: Final = {"dict": "object", "float": "number", "tuple": "array"}


class BfclFunction(msgspec.Struct, frozen=True):
    """A function, as the data describe it."""

    name: str
    parameters: dict[str, Json]
    description: str = ""


def described(function: BfclFunction) -> Tool:
    """Return what a model is told of a function."""
    return Tool(function.name, function.description, _schema(function.parameters))


def _schema(given: Mapping[str, Json]) -> Schema:
    """Return a schema of the data as one of JSON Schema: it names some types otherwise."""
    return dict(_renamed(given))


def _renamed(given: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for key, value in given.items():
        if key == "type" and isinstance(value, str):
            if value != "any":
                yield key, _TYPES.get(value, value)
        elif key == "properties" and isinstance(value, dict):
            yield key, {name: _schema(s) for name, s in value.items() if isinstance(s, dict)}
        elif key == "items" and isinstance(value, dict):
            yield key, _schema(value)
        elif key in {"description", "enum", "required", "default"}:
            yield key, value
