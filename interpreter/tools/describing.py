"""A tool in a few lines of text, as the prompt tells it (`days(city: str, n: int = 3)`)."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from cml.ast import Json
from cml.profile import Body
from cml.text.literals import write_python_string
from interpreter.tools.declared import Tool
from interpreter.tools.schema import (
    NOTHING,
    Schema,
    as_schema,
    members,
    properties,
    required,
    resolved,
    schemas,
    types,
)

_DEEPEST: Final = 4
_LONGEST_TYPE: Final = 4_000
"""Characters from which on a type is told less deep: references make four levels of a small schema as long as
they like.
"""
_WORDS: Final = {
    Body.PYTHON: {
        "string": "str",
        "integer": "int",
        "number": "float",
        "boolean": "bool",
        "null": "None",
        "array": "list",
        "object": "dict",
    },
    Body.JSON: {},
}
_CONSTANTS: Final = {
    Body.PYTHON: {True: "True", False: "False", None: "None"},
    Body.JSON: {True: "true", False: "false", None: "null"},
}
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "matches {}",
    "format": "{}",
    "contentEncoding": "{}",
}


def describe_tool(tool: Tool, body: Body) -> str:
    """Return what a model is told of a tool: its signature, and a line for each argument that
    has more to say.

    Args:
        tool: With its names as the bodies write them.
        body: The language of the bodies: it spells types and constants.
    """
    named = properties(tool.parameters)
    needed = required(tool.parameters)
    arguments = [
        f"{name}: {describe_type(schema, tool.parameters, body)}"
        + ("" if name in needed else f" = {_default(schema, body)}")
        for name, schema in named.items()
    ]
    others = tool.parameters.get("additionalProperties", not named)
    if others is not False:
        arguments.append(f"...: {describe_type(as_schema(others), tool.parameters, body)}")
    told = [tool.description] if tool.description else []
    if tool.estimate_us is not None:
        told.append(f"Takes about {tool.estimate_us / 1e6:g} s.")
    comment = f"  # {' '.join(told)}" if told else ""
    head = f"{tool.name}({', '.join(arguments)}){_result(tool, body)}{comment}"
    lines = (f"    {name}: {line}" for name, s in named.items() if (line := _details(s, tool)))
    return "\n".join([head, *lines])


def describe_type(schema: Schema, root: Schema, body: Body) -> str:
    """Return a schema as the type of an argument, in a short form: `list["a" | "b"] | None`.

    Args:
        schema: The schema.
        root: The document that its references point into.
        body: The language of the bodies.
    """
    told = _Types(root, body, math.inf).told(schema, 1)
    types_that_fit = _Types(root, body, _LONGEST_TYPE)
    with suppress(_TooLong):
        for levels in range(2, _DEEPEST + 1):
            deeper = types_that_fit.told(schema, levels)
            if deeper == told:
                break
            told = deeper
    return told


class _TooLong(Exception):
    """A type has more characters than it may have."""


class _Types:
    """Tells the types of one document, each once for a number of levels: what is wide and leads back to
    itself would be told once for each of its paths.

    Args:
        root: The document.
        body: The language of the bodies.
        longest: How many characters a type may have, and each within it.
    """

    def __init__(self, root: Schema, body: Body, longest: float) -> None:
        self._root = root
        self._body = body
        self._longest = longest
        self._told: dict[tuple[str, int], str] = {}

    def told(self, schema: Schema, levels: int) -> str:
        """Return a type, of which so many levels are told; below them it is a word.

        Raises:
            _TooLong: It, or a type within it, is too long.
        """
        key = (json.dumps(schema), levels)
        if key not in self._told:
            self._told[key] = self._type(schema, levels)
        if len(self._told[key]) > self._longest:
            raise _TooLong
        return self._told[key]

    def _type(self, schema: Schema, levels: int) -> str:
        found = resolved(schema, self._root)
        if "const" in found:
            return constant(found["const"], self._body)
        if isinstance(values := found.get("enum"), list):
            return " | ".join(constant(value, self._body) for value in values)
        if parts := members(found, self._root):
            return " | ".join(dict.fromkeys(self.told(part, levels) for part in parts))
        kinds = [
            self._COMPOUND[name](self, found, levels - 1)
            if name in self._COMPOUND and levels
            else self._word(name)
            for name in types(found)
        ]
        return " | ".join(kinds) or "any"

    def _word(self, name: str) -> str:
        return _WORDS[self._body].get(name, name)

    def _array(self, schema: Schema, levels: int) -> str:
        first = [self.told(part, levels) for part in schemas(schema.get("prefixItems"))]
        rest = as_schema(schema.get("items", {}))
        if first:
            more = [] if rest == NOTHING else ["..."]
            return f"[{', '.join([*first, *more])}]"
        word = self._word("array")
        return f"{word}[{self.told(rest, levels)}]" if rest else word

    def _object(self, schema: Schema, levels: int) -> str:
        named, needed = properties(schema), required(schema)
        others = schema.get("additionalProperties", {})
        if not named:
            word, key = self._word("object"), self._word("string")
            value = self.told(as_schema(others), levels) if others else ""
            return f"{word}[{key}, {value}]" if value else word
        parts = (
            f"{json.dumps(name, ensure_ascii=False)}{'' if name in needed else '?'}: "
            f"{self.told(part, levels)}"
            for name, part in named.items()
        )
        return f"{{{', '.join(parts)}}}"

    _COMPOUND: Final[dict[str, Callable[["_Types", Schema, int], str]]] = {
        "array": _array,
        "object": _object,
    }


def constant(value: Json, body: Body) -> str:
    """Return a constant as a body of this language spells it, with one space after `,` and `:`."""
    match value:
        case bool() | None:
            return _CONSTANTS[body][value]
        case str():
            is_python = body is Body.PYTHON
            return (
                write_python_string(value) if is_python else json.dumps(value, ensure_ascii=False)
            )
        case list():
            return f"[{', '.join(constant(entry, body) for entry in value)}]"
        case dict():
            pairs = (f"{constant(k, body)}: {constant(v, body)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return json.dumps(value)


def _default(schema: Schema, body: Body) -> str:
    return constant(schema["default"], body) if "default" in schema else "..."


def _result(tool: Tool, body: Body) -> str:
    """What a result looks like is told where it has parts that a future can name."""
    if tool.result is None or not properties(resolved(tool.result, tool.result)):
        return ""
    return f" -> {describe_type(tool.result, tool.result, body)}"


def _details(schema: Schema, tool: Tool) -> str:
    found = resolved(schema, tool.parameters)
    description = found.get("description")
    told = [description] if isinstance(description, str) else []
    return " ".join([*told, *_bounds(found)])


def _bounds(schema: Schema) -> Iterator[str]:
    """Bounds in words, in brackets."""
    said = [_bound(words, schema[name]) for name, words in _BOUNDS.items() if name in schema]
    if said:
        yield f"({', '.join(said)})"


def _bound(words: str, value: object) -> str:
    """Say a bound; of one there is one character, and one entry."""
    said = words.format(value)
    return (
        said.replace("characters", "character").replace("entries", "entry") if value == 1 else said
    )
