"""Symbols: what the lexer makes of a context (spec/1-syntax.md, section 2).

A symbol is a marker or a run of text. Symbols are verbatim: joined, they are the input.
"""

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
LONGEST_MARKER: Final = max(len(marker.value) for marker in Marker)


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
