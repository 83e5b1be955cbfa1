"""Tools, what a model may write for them, and random walks under a mask."""

import json
import random
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from cml import Call, Marker
from cml.ast import Reference
from cml.profile import Body
from interpreter.tools.arguments import argument_faults
from interpreter.tools.declared import Tool
from interpreter.tools.describing import constant
from interpreter.tools.schema import Schema
from model_adapters.constraint.constraint import Constraint, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cml.ast import Json, Value


def parameters(required: list[str], **properties: Schema) -> Schema:
    """The schema of a tool's arguments, and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


STRING: Schema = {"type": "string"}
ROUTE = parameters(
    ["speed"],
    via={"type": "array", "items": STRING},
    speed={"anyOf": [{"type": "number"}, {"type": "null"}]},
    mode={"enum": ["car", 'by "foot"', 7, None]},
    toll={"type": "boolean"},
)
TOOLS = (
    Tool("now"),
    Tool("get_weather", "", parameters(["city"], city=STRING, days={"type": "integer"})),
    Tool("maps.route", "", ROUTE),
)
MARKER = re.compile("|".join(re.escape(marker.value) for marker in Marker))
TOKEN_LIMIT = 400

# Plain characters, and pieces of CML in an order that means nothing.
_PIECES = st.sampled_from(
    [
        *"[]\\\"' \nx",
        "é",
        "日本",
        "[CALL",
        "[INTR]",
        "[TRAP]",
        "[END]",
        "[HEAD",
        "CALL]",
        "[IN",
        "[[",
        "][",
    ]
)
any_prose = st.lists(_PIECES | st.text(max_size=3), max_size=8).map("".join)
prose = any_prose.filter(lambda text: not MARKER.search(text))
before_block = prose.filter(lambda text: not text.endswith("\\"))


def values(schema: Schema) -> st.SearchStrategy[str]:
    """Values of one of the schemas above, as a model may spell them."""
    match schema:
        case {"anyOf": [first, second]}:
            return values(first) | values(second)
        case {"enum": constants}:
            return st.sampled_from([constant(v, Body.PYTHON) for v in constants])
        case {"type": "string"}:
            characters = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\x7f")
            plain = st.lists(characters | _PIECES, max_size=6).map("".join)
            return plain.map(
                lambda text: '"' + re.sub(r'(["\\])', r"\\\1", text).replace("\n", "\\n") + '"'
            )
        case {"type": "integer"}:
            return st.integers(-(10**15), 10**15).map(str)
        case {"type": "number"}:
            return st.integers(-99, 99).map(str) | st.decimals(-99, 99, places=2).map(
                "{:.2f}".format
            )
        case {"type": "array", "items": item}:
            return st.lists(values(item), max_size=3).map(lambda items: f"[{', '.join(items)}]")
        case {"type": "boolean"}:
            return st.sampled_from(["True", "False"])
        case _:
            return st.just("None")


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A call body that fits one of the tools."""
    tool = draw(st.sampled_from(TOOLS))
    named = tool.parameters["properties"].items()
    needed = tool.parameters.get("required", [])
    given = [(name, schema) for name, schema in named if name in needed or draw(st.booleans())]
    return f"{tool.name}({', '.join(f'{name}={draw(values(schema))}' for name, schema in given)})"


@st.composite
def contexts(draw: st.DrawFn) -> tuple[int, str]:
    """How many calls a model has to begin with, and what it then may write."""
    required, free = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    text = ""
    for number in range(1, required + free + 1):
        text += draw(st.sampled_from(["", " ", "\n"]) if number <= required else before_block)
        text += f"[CALL] job{number} [HEAD] {draw(bodies())} [END]"
        if number >= required and draw(st.booleans()):
            text += draw(before_block) + "[TRAP][END]"
    return required, text + draw(prose)


def faults(call: Call, offered: "Iterable[Tool]") -> tuple[str, ...]:
    """What a tool has against a call; arguments with a future in them are left open."""
    if call.function == "cancel":
        return ()
    schema = next(tool.parameters for tool in offered if tool.name == call.function)
    fixed = {name: value for name, value in call.kwargs.items() if not has_future(value)}
    unknown = call.kwargs.keys() - fixed.keys()
    named = {k: v for k, v in schema["properties"].items() if k not in unknown}
    needed = [name for name in schema.get("required", []) if name not in unknown]
    closed = {**schema, "properties": named, "required": needed}
    return (*argument_faults(fixed, closed), *map(str, call.args))


def has_future(value: "Value") -> bool:
    """Whether the result of an earlier call stands somewhere in a value."""
    match value:
        case Reference():
            return True
        case dict():
            return any(map(has_future, value.values()))
        case list():
            return any(map(has_future, value))
        case _:
            return False


# ------------------------------------------------------------------------------- any schema

_LENGTHS = st.integers(0, 5)


def _bounded(kind: str, low: str, high: str) -> st.SearchStrategy[Schema]:
    """A type with a least or a most of something, both, or neither."""
    bounds = st.lists(_LENGTHS, min_size=2, max_size=2).map(sorted)
    keys = st.sets(st.sampled_from([low, high]))
    return st.tuples(bounds, keys).map(
        lambda drawn: {
            "type": kind,
            **{k: v for k, v in zip((low, high), drawn[0], strict=True) if k in drawn[1]},
        }
    )


_CONSTANTS: "st.SearchStrategy[Json]" = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | st.just(0.5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("k"), inner, max_size=1),
    max_leaves=3,
)
_LEAVES: st.SearchStrategy[Schema] = st.one_of(
    st.just({}),
    st.sampled_from([{"type": name} for name in ("null", "boolean", "integer", "number")]),
    _bounded("string", "minLength", "maxLength"),
    _bounded("integer", "minimum", "maximum"),
    _bounded("number", "minimum", "exclusiveMaximum").filter(
        lambda s: s.get("minimum", 0) != s.get("exclusiveMaximum", 1)
    ),
    st.sampled_from(["date", "time", "date-time", "uuid", "decimal"]).map(
        lambda form: {"type": "string", "format": form}
    ),
    st.just({"type": "string", "pattern": '^[a-z]{1,3}"x?$'}),
    st.just({"type": "integer", "multipleOf": 3, "minimum": 4}),
    st.lists(_CONSTANTS, min_size=1, max_size=3, unique_by=json.dumps).map(
        lambda constants: {"enum": constants}
    ),
    st.just({"type": ["string", "null"]}),
    st.just({"$ref": "#/$defs/Node"}),
)
NODE: Schema = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
        "all": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
    },
    "required": ["value"],
}
_NAMES = st.sampled_from(
    ["a", "b", "from", "user-id", "größe", 'q"', "x/y", "\n", "<t> [END]", "\x7f"]
)


def _containers(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        st.tuples(_bounded("array", "minItems", "maxItems"), inner).map(
            lambda drawn: {**drawn[0], "items": drawn[1]}
        ),
        st.lists(inner, min_size=1, max_size=2).map(
            lambda parts: {
                "type": "array",
                "prefixItems": parts,
                "items": False,
                "minItems": len(parts),
            }
        ),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"anyOf": parts}),
        _objects(inner),
        inner.map(lambda part: {"type": "object", "additionalProperties": part}),
        inner.map(
            lambda part: {
                "type": "object",
                "propertyNames": {"enum": ["k", "l"]},
                "additionalProperties": part,
            }
        ),
    )


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[Schema]) -> Schema:
    named = draw(st.dictionaries(_NAMES, inner, max_size=3))
    needed = draw(st.sets(st.sampled_from(sorted(named)))) if named else set()
    free = draw(st.none() | inner)
    return {
        "type": "object",
        "properties": named,
        "required": sorted(needed),
        "additionalProperties": free if free is not None else False,
    }


schemas = st.recursive(_LEAVES, _containers, max_leaves=5)


@st.composite
def tools(draw: st.DrawFn) -> Tool:
    """A tool of any name, with any schema that has values."""
    name = draw(st.sampled_from(["f", "get-weather", "files/read", "2fa", "a.b"]))
    root = draw(_objects(schemas))
    return Tool(name, "", {**root, "$defs": {"Node": NODE}})


@cache
def tokens_like(words: Vocabulary, pattern: bytes) -> "NDArray[np.bool_]":
    """Which tokens are spelled like that."""
    spellings = (words.tokenizer.decode_bytes([token]) for token in range(words.size))
    return np.array([bool(re.fullmatch(pattern, spelling)) for spelling in spellings])


def walk(constraint: Constraint, words: Vocabulary, seed: int, length: int) -> tuple[str, bool]:
    """Write at random what the mask allows, then head for an end; return the text, and whether it came.

    Half of the steps take a token of CML where one is allowed, so that walks do not stay in prose.
    """
    chance = random.Random(seed)
    structural = tokens_like(words, rb'[\[\]"\\(), ]+|[A-Z]+\]?')
    closing = tokens_like(words, rb'["\])]')
    end = words.tokenizer.eos_token
    written: list[int] = []
    mask = constraint.mask()
    for step in range(TOKEN_LIMIT):
        heading_home = step >= length
        if heading_home and mask[end]:
            break
        mask[end] = False
        preferred = (
            [closing, structural] if heading_home else [structural] if chance.random() < 0.5 else []
        )
        choices = (np.flatnonzero(mask & kind) for kind in (*preferred, mask))
        token = int(chance.choice(next(found for found in choices if len(found))))
        constraint.accept(token)
        written.append(token)
        mask = constraint.mask()
    return words.tokenizer.decode_bytes(written).decode(errors="replace"), bool(mask[end])
