"""JSON Schema, as tools are described in it: the few questions that more than one reader asks."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from cml.ast import Json

Schema: TypeAlias = dict[str, Json]
"""One JSON Schema, draft 2020-12: the form that MCP and OpenAI's interface describe tools in."""

ANY: Final[Schema] = {}
NOTHING: Final[Schema] = {"not": {}}
DEEPEST: Final = 64
"""How deep brackets and braces of a schema that a server sends may nest."""
_MOST_PARTS: Final = 256
"""How many schemas one may be put together from, by references, `allOf` and unions: a server may send more."""
_UNION: Final = ("anyOf", "oneOf")

# Where schemas stand inside a schema: one, an array of them, or an object of them.
_ONE: Final = frozenset({"items", "additionalProperties", "not", "contains", "propertyNames"})
_ARRAY: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_OBJECT: Final = frozenset({"properties", "$defs", "definitions", "patternProperties"})

_KEYWORDS_OF: Final = {
    "object": frozenset({"properties", "additionalProperties", "required", "propertyNames"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems"}),
    "string": frozenset({"pattern", "minLength", "maxLength", "format", "contentEncoding"}),
    "number": frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    ),
}


def as_schema(value: Json) -> Schema:
    """Return what stands where a schema may stand, as an object: `true` and `false` are schemas."""
    if isinstance(value, dict):
        return value
    return NOTHING if value is False else ANY


def schemas(value: Json) -> list[Schema]:
    """Return the schemas of an array of schemas; none where there is no such array."""
    return [as_schema(entry) for entry in value] if isinstance(value, list) else []


def properties(schema: Schema) -> dict[str, Schema]:
    """Return the properties that a schema names, in their order."""
    named = schema.get("properties")
    return {k: as_schema(v) for k, v in named.items()} if isinstance(named, dict) else {}


def required(schema: Schema) -> list[str]:
    """Return the properties that a value must have."""
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def types(schema: Schema) -> list[str]:
    """Return the types that a schema names, or that its keywords speak of; none for any type."""
    named = schema.get("type")
    if isinstance(named, str):
        return [named]
    if isinstance(named, list):
        return [name for name in named if isinstance(name, str)]
    return [name for name, keywords in _KEYWORDS_OF.items() if keywords & schema.keys()][:1]


def resolved(schema: Schema, root: Schema) -> Schema:
    """Return a schema with its own `$ref` followed, and a single or mergeable `allOf` merged.

    Args:
        schema: The schema.
        root: The document that references point into; a reference that leads nowhere, or back to
            itself, says nothing. Of very many parts the first count.
    """
    parts: list[Schema] = []
    seen: set[str] = set()
    waiting = [schema]
    while waiting and len(parts) < _MOST_PARTS:
        part = waiting.pop()
        parts.append(part)
        waiting += reversed(schemas(part.get("allOf"))[:_MOST_PARTS])
        reference = part.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            waiting.append(_target(reference, root))
    merged: Schema = {}
    for part in reversed(parts):  # what stands beside a reference is more special than its target
        merged = _merged(merged, part)
    merged.pop("allOf", None)
    merged.pop("$ref", None)
    return merged


def members(found: Schema, root: Schema) -> list[Schema]:
    """Return the members of a union, each resolved, with what stands beside the union, and with the
    members of unions within in their place; none where it is no union.

    A union that leads back to itself adds nothing by that. Of a very wide one the first members come.

    Args:
        found: A schema that is resolved.
        root: The document that references point into.
    """
    if not any(schemas(found.get(keyword)) for keyword in _UNION):
        return []
    flat: list[Schema] = []
    seen: set[tuple[str, ...]] = set()
    waiting, tried = [found], 0
    while waiting and tried < _MOST_PARTS:
        one, tried = waiting.pop(), tried + 1
        rest = {key: value for key, value in one.items() if key not in _UNION}
        # A union by its place in the document: to write it out each time would take the square of its length.
        unions = (str(id(one.get(keyword))) for keyword in _UNION)
        if (key := (json.dumps(rest, sort_keys=True), *unions)) in seen:
            continue
        seen.add(key)
        inner = [part for keyword in _UNION for part in schemas(one.get(keyword))][:_MOST_PARTS]
        if not inner or "const" in one or isinstance(one.get("enum"), list):
            flat.append(one)
            continue
        waiting += [{**rest, **resolved(part, root)} for part in reversed(inner)]
    return flat


def nesting(value: Json) -> int:
    """Return how deep arrays and objects nest in a value."""
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting += [(part, depth + 1) for part in inner]
    return deepest


def mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Return a schema in which each schema, from the inside out, is replaced by its change."""
    parts: Schema = {}
    for key, value in schema.items():
        if key in _ONE and isinstance(value, dict):
            parts[key] = mapped(value, change)
        elif key in _ARRAY and isinstance(value, list):
            parts[key] = [mapped(v, change) if isinstance(v, dict) else v for v in value]
        elif key in _OBJECT and isinstance(value, dict):
            entries = value.items()
            parts[key] = {k: mapped(v, change) if isinstance(v, dict) else v for k, v in entries}
        else:
            parts[key] = value
    return change(parts)


def without(schema: Schema, *keywords: str) -> Schema:
    """Return a schema without these keywords, wherever they stand."""
    return mapped(schema, lambda s: {k: v for k, v in s.items() if k not in keywords})


def references(schema: Schema) -> Iterator[str]:
    """Return the names of the definitions that a schema refers to."""
    found: list[str] = []

    def note(part: Schema) -> Schema:
        if isinstance(reference := part.get("$ref"), str):
            found.append(reference.rpartition("/")[2])
        return part

    mapped(schema, note)
    return iter(found)


def with_references(schema: Schema, names: Mapping[str, str]) -> Schema:
    """Return a schema that refers to definitions by other names."""

    def rename(part: Schema) -> Schema:
        if not isinstance(reference := part.get("$ref"), str):
            return part
        place, _, name = reference.rpartition("/")
        return {**part, "$ref": f"{place}/{names.get(name, name)}"}

    return mapped(schema, rename)


def _target(reference: str, root: Schema) -> Schema:
    found: Json = root
    for step in reference.lstrip("#").strip("/").split("/") if reference != "#" else ():
        key = step.replace("~1", "/").replace("~0", "~")
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return as_schema(found)


def _merged(general: Schema, special: Schema) -> Schema:
    merged = {**general, **special}
    if "properties" in general and "properties" in special:
        merged["properties"] = {**properties(general), **properties(special)}
    if "required" in general and "required" in special:
        merged["required"] = list(dict.fromkeys([*required(general), *required(special)]))
    return merged
