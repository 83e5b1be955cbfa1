"""Rules of a grammar for futures: which calls they name, and how far they go into their results.

A future goes as far as the function says that its result does: into the keys of an object that it
names, and the entries of an array. Where nothing is declared it goes anywhere, or, for a model that
would guess, nowhere: the result as a whole is always there.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from cml.profile import Body
from interpreter.tools.describing import constant
from interpreter.tools.schema import ANY, Schema, as_schema, members, properties, resolved, types
from model_adapters.constraint.value_grammar import ValueGrammar, either, quoted

FUTURE: Final = "future"
_MOST_STEPS: Final = 4
_PLAIN_KEY: Final = re.compile(r'[^"\\\x00-\x1f\x7f]{0,60}')
_ANY_KEY: Final = r'"[^"\\\x00-\x1f\x7f]{0,60}"'
_ANY_ENTRY: Final = "-?(0|[1-9][0-9]{0,5})"
_TERMINALS: Final = {
    Body.PYTHON: (rf"KEY: /\[{_ANY_KEY}\]/", rf"ENTRY: /\[{_ANY_ENTRY}\]/"),
    Body.JSON: (f"KEY: /{_ANY_KEY}/", f"ENTRY: /{_ANY_ENTRY}/"),
}


class EarlierCall(msgspec.Struct, frozen=True):
    """A call that a future can name.

    Args:
        id: Its identifier.
        result: What its function says that it returns; None where it says nothing.
    """

    id: str
    result: Schema | None


def future_lines(
    earlier: Iterable[EarlierCall], values: ValueGrammar, body: Body, *, undeclared: bool
) -> Iterator[str]:
    """Return the rules and terminals of futures, a line each; those of paths go into `values`.

    Args:
        earlier: The calls that they can name.
        values: Collects the rules of the grammar.
        body: The language of the bodies.
        undeclared: Whether they may go into a result of which nothing is declared.
    """
    paths = _Paths(values, body, undeclared=undeclared)
    futures = (_future(call.id, paths.into(call.result), body) for call in earlier)
    yield f"{FUTURE}: {' | '.join(futures)}"
    yield from _TERMINALS[body]


def _future(name: str, path: str | None, body: Body) -> str:
    match body:
        case Body.PYTHON:
            return f"{quoted(name)} {path}?" if path else quoted(name)
        case Body.JSON:
            opening, into = quoted(f'{{"$ref": "{name}"'), quoted(', "path": [')
            steps = f'({into} {path} "]")?' if path else ""
            return f'{opening} {steps} "}}"'


class _Paths:
    """Makes the rules of paths, of one step at least; None where a value has no parts to go into."""

    def __init__(self, values: ValueGrammar, body: Body, *, undeclared: bool) -> None:
        self._values = values
        self._body = body
        self._comma = '", " ' if body is Body.JSON else ""
        self._undeclared = undeclared
        self._known: dict[tuple[int, str, int], str | None] = {}

    def into(self, result: Schema | None) -> str | None:
        """Return the rule of the paths into a result."""
        root = ANY if result is None else result
        return self._into(root, root, _MOST_STEPS)

    def _into(self, schema: Schema, root: Schema, most: int) -> str | None:
        # What is wide and leads back to itself would be gone through once for each of its paths.
        key = (id(root), json.dumps(schema), most)
        if key not in self._known:
            self._known[key] = self._made(schema, root, most)
        return self._known[key]

    def _made(self, schema: Schema, root: Schema, most: int) -> str | None:
        found = resolved(schema, root)
        if not most or "const" in found or "enum" in found:
            return None
        if parts := members(found, root):
            return self._rule(self._into(part, root, most) for part in parts)
        if kinds := types(found):
            return self._rule(way for kind in kinds for way in self._ways(kind, found, root, most))
        return self._free("(KEY | ENTRY)", most)

    def _ways(self, kind: str, found: Schema, root: Schema, most: int) -> Iterator[str | None]:
        """Return the ways into the values of a type."""
        match kind:
            case "object":
                named = properties(found)
                for key in filter(_PLAIN_KEY.fullmatch, named):
                    yield self._step(self._key(key), self._into(named[key], root, most - 1))
                if found.get("additionalProperties", not named) is not False:
                    yield self._free("KEY", most)
            case "array" if "prefixItems" in found:
                yield self._free("ENTRY", most)
            case "array":
                items = as_schema(found.get("items", {}))
                yield self._step("ENTRY", self._into(items, root, most - 1))
            case _:
                pass

    def _key(self, key: str) -> str:
        spelled = constant(key, self._body)
        return quoted(spelled if self._body is Body.JSON else f"[{spelled}]")

    def _step(self, step: str, further: str | None) -> str:
        return f"{step} ({self._comma}{further})?" if further else step

    def _free(self, first: str, most: int) -> str | None:
        """Return the paths that begin with some step, and go on in any way."""
        if not self._undeclared:
            return None
        further = f"({self._comma}(KEY | ENTRY)){{0,{most - 1}}}" if most > 1 else ""
        return self._rule([f"{first} {further}"])

    def _rule(self, ways: Iterable[str | None]) -> str | None:
        text = either(ways)
        return text and self._values.rule(text)
