"""Tools, what a model may write for them, and random walks under a mask."""

import random
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from cml import Call, Marker
from cml.literals import write_python_string
from interpreter.tools.signature import (
    Choice,
    Integer,
    ListOf,
    Number,
    OrNone,
    Parameter,
    ParameterType,
    Text,
    ToolSignature,
    Truth,
)
from model_adapters.constraint import Constraint, Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOOLS = (
    ToolSignature("now"),
    ToolSignature("get_weather", (Parameter("city", Text()), Parameter("days", Integer(), False))),
    ToolSignature(
        "maps.route",
        (
            Parameter("via", ListOf(Text()), False),
            Parameter("speed", OrNone(Number())),
            Parameter("mode", Choice(("car", 'by "foot"', 7, None)), False),
            Parameter("toll", Truth(), False),
        ),
    ),
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


def values(kind: ParameterType) -> st.SearchStrategy[str]:
    """Values of a type, as a model may spell them."""
    match kind:
        case Text():
            characters = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\x7f")
            plain = st.lists(characters | _PIECES, max_size=6).map("".join)
            return plain.map(
                lambda text: '"' + re.sub(r'(["\\])', r"\\\1", text).replace("\n", "\\n") + '"'
            )
        case Integer():
            return st.integers(-(10**15), 10**15).map(str)
        case Number():
            return st.integers(-99, 99).map(str) | st.decimals(-99, 99, places=2).map(
                "{:.2f}".format
            )
        case Truth():
            return st.sampled_from(["True", "False"])
        case Choice(constants):
            return st.sampled_from(
                [write_python_string(v) if isinstance(v, str) else repr(v) for v in constants]
            )
        case ListOf(item):
            return st.lists(values(item), max_size=3).map(lambda items: f"[{', '.join(items)}]")
        case OrNone(value):
            return values(value) | st.just("None")


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A call body that fits one of the tools."""
    tool = draw(st.sampled_from(TOOLS))
    given = [p for p in tool.parameters if p.required or draw(st.booleans())]
    return f"{tool.name}({', '.join(f'{p.name}={draw(values(p.type))}' for p in given)})"


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


def fits(call: Call) -> bool:
    """Whether a call fits the signature of its tool."""
    tool = next(tool for tool in TOOLS if tool.name == call.function)
    required = {p.name for p in tool.parameters if p.required}
    types = {p.name: p.type for p in tool.parameters}
    return (
        not call.args
        and required <= call.kwargs.keys() <= types.keys()
        and all(is_of(types[name], value) for name, value in call.kwargs.items())
    )


def is_of(kind: ParameterType, value: object) -> bool:
    """Whether a value is of a type."""
    match kind:
        case Text():
            return isinstance(value, str)
        case Integer():
            return type(value) is int
        case Number():
            return type(value) in {int, float}
        case Truth():
            return isinstance(value, bool)
        case Choice(constants):
            return value in constants
        case ListOf(item):
            return isinstance(value, list) and all(is_of(item, entry) for entry in value)
        case OrNone(inner):
            return value is None or is_of(inner, value)


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
