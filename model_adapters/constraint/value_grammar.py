"""Rules of a grammar for the values that a JSON Schema allows, in the language of a body.

What a grammar cannot say is left to the check of arguments: keys that repeat in an object with free
keys, `uniqueItems`, `not`, conditions, patterns of keys, members of `oneOf` that overlap. Everything
else is exact or narrower than the schema: one space where there is one, properties in their order,
texts, numbers, arrays and nesting of bounded size. A schema that allows nothing has no rule.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Final

import msgspec

from cml.ast import Json
from cml.profile import Body
from interpreter.tools.describing import constant
from interpreter.tools.schema import (
    ANY,
    Schema,
    as_schema,
    members,
    properties,
    required,
    resolved,
    schemas,
    types,
)
from model_adapters.constraint.literal_grammar import integer_text, number_text, string_text

LONGEST_ARRAY: Final = 64
MOST_FREE_KEYS: Final = 16
DEEPEST: Final = 8
_LONGEST_KEY: Final = 60

_KEY_CHARACTER: Final = r'[^"\\\x00-\x1f\x7f]'


class FieldRule(msgspec.Struct, frozen=True):
    """One entry of an object, or one argument of a call.

    Args:
        opening: What stands before its value, as a literal of the grammar.
        value: The rule of its value.
        is_required: Whether it must be there.
    """

    opening: str
    value: str
    is_required: bool


class ValueGrammar:
    """Collects the rules of one grammar.

    Args:
        body: The language of the bodies.
        future: The rule of a future, which may stand for any value; None where there is none.
        is_pattern: Whether the engine can take a pattern of JSON Schema.
    """

    def __init__(self, body: Body, future: str | None, is_pattern: Callable[[str], bool]) -> None:
        self._body = body
        self._future = future
        self._is_pattern = is_pattern
        self._rules: dict[str, str] = {}
        self._shared: dict[str, str] = {}
        self._values: dict[tuple[int, str, int], str | None] = {}
        self._numbers = count()

    @property
    def lines(self) -> Iterator[str]:
        """The rules and terminals, a line each."""
        return (f"{name}: {text}" for name, text in self._rules.items())

    def value(self, schema: Schema, root: Schema, depth: int = 0) -> str | None:
        """Return the name of the rule for the values of a schema; None if there are none.

        Args:
            schema: The schema.
            root: The document that its references point into.
            depth: How deep in a value it stands.
        """
        key = (id(root), json.dumps(schema), depth)
        if key not in self._values:
            text = self._value(schema, root, depth)
            if text is not None and self._future:
                text = f"{text} | {self._future}"
            self._values[key] = None if text is None else self.rule(text)
        return self._values[key]

    def rule(self, text: str) -> str:
        """Return the name of the rule with this text."""
        return self._named(text, "v")

    def terminal(self, pattern: str) -> str:
        """Return the name of the terminal with this text."""
        return self._named(pattern, "T")

    def entries(self, entries: Sequence[FieldRule], free: str | None, least_free: int = 0) -> str:
        """Return the rule for entries in their order, with a comma between.

        Args:
            entries: What has a name.
            free: The rule of an entry with a name of its own; None where there is none.
            least_free: How many of these there must be.
        """
        number = next(self._numbers)
        for place, entry in enumerate(entries):
            following = f"{number}_{place + 1}"
            for kind, comma in (("first", ""), ("more", '", " ')):
                left_out = "" if entry.is_required else f" | {kind}_{following}"
                text = f"{comma}{entry.opening} {entry.value} more_{following}{left_out}"
                self._rules[f"{kind}_{number}_{place}"] = text
        first, more = _closing(free, least_free)
        self._rules[f"first_{number}_{len(entries)}"] = first
        self._rules[f"more_{number}_{len(entries)}"] = more
        return f"first_{number}_0"

    def free_key(self, names: Iterable[str]) -> str:
        """Return the terminal of a key, as a string, that is none of these names, and not `$ref`."""
        plain = (name for name in names if re.fullmatch(f"{_KEY_CHARACTER}*", name))
        barred = "|".join(map(_escaped, [*plain, "$ref"]))
        return self.terminal(f'/"{_KEY_CHARACTER}{{0,{_LONGEST_KEY}}}"/ & ~/"({barred})"/')

    def free_name(self, names: Iterable[str]) -> str:
        """Return the terminal of an argument's name, with `=`, that is none of these names."""
        barred = "|".join(name for name in names if name.isidentifier())
        name = f"/[A-Za-z_][A-Za-z0-9_]{{0,{_LONGEST_KEY // 2}}}=/"
        return self.terminal(f"{name} & ~/({barred})=/" if barred else name)

    def _named(self, text: str, kind: str) -> str:
        if text not in self._shared:
            self._shared[text] = f"{kind}{len(self._shared)}"
            self._rules[self._shared[text]] = text
        return self._shared[text]

    # ---------------------------------------------------------------------------- by keyword

    def _value(self, schema: Schema, root: Schema, depth: int) -> str | None:
        found = resolved(schema, root)
        if depth > DEEPEST or found.get("not") == {}:
            return None
        if "const" in found:
            return self._constants([found["const"]])
        if isinstance(values := found.get("enum"), list):
            return self._constants(values)
        if parts := members(found, root):
            return either(self._value(part, root, depth) for part in parts)
        if kinds := [kind for kind in types(found) if kind in self._KINDS]:
            return either(self._KINDS[kind](self, found, root, depth) for kind in kinds)
        # Any value at all: of every kind, and less deep than what is described.
        return either(kind(self, ANY, root, depth + 1) for kind in self._KINDS.values())

    def _constants(self, values: Iterable[Json]) -> str | None:
        return either(quoted(constant(value, self._body)) for value in values)

    def _string(self, schema: Schema, _root: Schema, _depth: int) -> str | None:
        return self._literal(string_text(schema, self._body, self._is_pattern))

    def _integer(self, schema: Schema, _root: Schema, _depth: int) -> str | None:
        return self._literal(integer_text(schema))

    def _any_number(self, schema: Schema, _root: Schema, _depth: int) -> str | None:
        return self._literal(number_text(schema))

    def _literal(self, text: str | None) -> str | None:
        if text is None:
            return None
        return self.terminal(text) if text.startswith("/") else self.rule(text)

    def _boolean(self, _schema: Schema, _root: Schema, _depth: int) -> str | None:
        return self._constants([True, False])

    def _null(self, _schema: Schema, _root: Schema, _depth: int) -> str | None:
        return self._constants([None])

    def _array(self, schema: Schema, root: Schema, depth: int) -> str | None:
        first = [self.value(s, root, depth + 1) for s in schemas(schema.get("prefixItems"))]
        least, most = schema.get("minItems"), schema.get("maxItems")
        low = max(0, (least if isinstance(least, int) else 0) - len(first))
        high = (most if isinstance(most, int) else LONGEST_ARRAY + low + len(first)) - len(first)
        rest = self.value(as_schema(schema.get("items", {})), root, depth + 1)
        high = high if rest else 0
        if None in first or low > high:
            return None
        if first:
            some = f'{""" ", " """.join(map(str, first))} {_again(rest, low, high)}'
        else:
            some = f"{rest} {_again(rest, max(0, low - 1), high - 1)}" if high else ""
        return f'"[" {some} "]"' if low or first else f'"[" ({some})? "]"' if some else '"[]"'

    def _object(self, schema: Schema, root: Schema, depth: int) -> str | None:
        named = _enumerated(schema) or properties(schema)
        needed = required(schema)
        entries = []
        for name, part in named.items():
            value = self.value(part, root, depth + 1)
            if value is None and name in needed:
                return None
            if value is not None and name != "$ref":
                opening = quoted(f"{constant(name, self._body)}: ")
                entries.append(FieldRule(opening, value, name in needed))
        others = schema.get("additionalProperties", not named)
        least = schema.get("minProperties", 0)
        value = (
            None
            if others is False or _enumerated(schema)
            else self.value(as_schema(others), root, depth + 1)
        )
        unnamed = {*needed} - {*named}
        low = least if isinstance(least, int) and not entries else 0
        if unnamed or (low and value is None):
            return None
        free = f'{self.free_key(named)} ": " {value}' if value else None
        return f'"{{" {self.entries(entries, self.rule(free) if free else None, low)} "}}"'

    _KINDS: Final[dict[str, Callable[["ValueGrammar", Schema, Schema, int], str | None]]] = {
        "string": _string,
        "integer": _integer,
        "number": _any_number,
        "boolean": _boolean,
        "null": _null,
        "array": _array,
        "object": _object,
    }


def _closing(free: str | None, least: int) -> tuple[str, str]:
    """Return the end of a list of entries, where none is written yet, and after others."""
    if free is None:
        return "", ""
    some = f"{free} {_again(free, max(0, least - 1), MOST_FREE_KEYS)}"
    return some if least else f"({some})?", _again(free, least, MOST_FREE_KEYS)


def _again(rule: str | None, low: int, high: int) -> str:
    """Return a rule that comes so many times more, each after a comma."""
    return f'(", " {rule}){{{low},{high}}}' if high > 0 else ""


def quoted(text: str) -> str:
    """Return a text as a literal of the grammar."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")


def either(texts: Iterable[str | None]) -> str | None:
    """Return texts of rules as alternatives, each once; None where there are none."""
    known = list(dict.fromkeys(text for text in texts if text is not None))
    return " | ".join(known) if known else None


def _escaped(name: str) -> str:
    return re.escape(name).replace("/", r"\/")


def _enumerated(schema: Schema) -> dict[str, Schema] | None:
    """An object whose keys are of a few: then each is an entry of its own, and comes once."""
    keys = as_schema(schema.get("propertyNames", {})).get("enum")
    if not isinstance(keys, list) or properties(schema):
        return None
    others = as_schema(schema.get("additionalProperties", {}))
    return {key: others for key in keys if isinstance(key, str)}
