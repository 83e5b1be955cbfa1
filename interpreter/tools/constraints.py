"""The notes of an Annotated hint, in the words of JSON Schema."""

from collections.abc import Iterable
from typing import Final

from interpreter.tools.schema import Schema

_CONSTRAINTS: Final = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "description": "description",
    "documentation": "description",
    "title": "title",
}
_LENGTHS: Final = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def noted(notes: Iterable[object], schema: Schema) -> Schema:
    """Return what the notes of an Annotated hint say, in the words of JSON Schema.

    Those of msgspec, annotated_types and pydantic have the same attributes, so none is imported.
    """
    found: Schema = {}
    for note in notes:
        if isinstance(note, str):
            found["description"] = note
            continue
        parts = getattr(note, "metadata", None)
        inner = [note, *(parts if isinstance(parts, list) else ())]
        if isinstance(note, Iterable) and not isinstance(note, type):
            inner += list(note)
        for part in inner:
            found |= _constraint(part, schema)
    return found


def _constraint(note: object, schema: Schema) -> Schema:
    found: Schema = {}
    for name, keyword in _CONSTRAINTS.items():
        value: object = getattr(note, name, None)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            found[keyword] = value
    kind = schema.get("type")
    for name, keyword in zip(
        ("min_length", "max_length"), _LENGTHS.get(str(kind), ()), strict=False
    ):
        length: object = getattr(note, name, None)
        if isinstance(length, int):
            found[keyword] = length
    return found
