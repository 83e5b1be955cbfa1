"""Symbols: what the lexer makes of a context (spec/1-syntax.md, section 2).

A symbol is a marker or a run of text. Symbols are verbatim: joined, they are the input.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

import msgspec


class Marker(Enum):
    """One of the five markers, with its spelling in the text profile (Syntax/marker)."""

    CALL = "[CALL]"
    INTR = "[INTR]"
    TRAP = "[TRAP]"
    HEAD = "[HEAD]"
    END = "[END]"

    __hash__ = object.__hash__  # there is one of each; by name it would be a call of Python's


OPENERS: Final = frozenset({Marker.CALL, Marker.INTR, Marker.TRAP})
GENERATED_OPENERS: Final = OPENERS - {Marker.INTR}
"""What opens a block in the text of a model (Syntax/generated)."""

MARKER_NAMES: Final = frozenset(marker.name for marker in Marker)
MARKER_PATTERN: Final = r"\[(?:" + "|".join(marker.name for marker in Marker) + r")\]"
MARKERS: Final[Mapping[str, Marker]] = {marker.value: marker for marker in Marker}
LONGEST_MARKER: Final = max(map(len, MARKERS))
BEGUN_MARKERS: Final = frozenset(m[:n] for m in MARKERS for n in range(1, len(m)))
"""What a marker may be cut off after."""


def _not_continuing(begun: str) -> str:
    following = {marker[len(begun)] for marker in MARKERS if marker.startswith(begun)}
    return "[^" + "".join(re.escape(c) for c in sorted(following)) + r"\[\\]"


NO_MARKER_PATTERN: Final = "|".join(
    re.escape(b) + _not_continuing(b) for b in sorted(BEGUN_MARKERS)
)
"""A `[` that is certain to open no marker: a begun marker, and a character that does not continue it.
A `[`, a backslash or the end may cut it off as well (`BEGUN_PATTERN`). Without lookaround, so that every
engine of grammars can take it."""

BEGUN_PATTERN: Final = "|".join(map(re.escape, sorted(BEGUN_MARKERS, key=lambda b: (-len(b), b))))


class Symbol(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A marker, or text between markers.

    Args:
        text: The source characters, escapes included.
        offset: Characters of the context before this symbol.
        marker: Which marker, or None for text.
    """

    text: str
    offset: int = 0
    marker: Marker | None = None


class WholeBlock(Symbol, frozen=True, gc=False):
    """The symbols of one block taken together, from its opener, which is the marker, to its [END].

    Args:
        heads: Where in the text its [HEAD] stands, if it has one.
    """

    heads: tuple[int, ...] = ()
