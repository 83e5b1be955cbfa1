"""Code as the lexer sees it: where in it a quote opens a string (spec/1-syntax.md, Syntax/string)."""

import re
from enum import Enum
from functools import cached_property
from typing import Final

from cml.symbols import MARKER_PATTERN
from cml.text.literals import PREFIX, SPACE, string_patterns

NO_MARKER: Final = rf"(?!{MARKER_PATTERN})\["
_PREFIX: Final = re.compile(PREFIX)
# The inside of a string, up to its quote, the end of its line or the end of input.
_INSIDE: Final = {
    quote: re.compile(rf"[^{quote}\\\r\n]*(?:\\[^\r\n][^{quote}\\\r\n]*)*") for quote in "\"'"
}


class Opens(Enum):
    """Whether a quote opens a string at a point of code (Syntax/string)."""

    YES = "where a value may stand"
    AFTER_PREFIX = "directly after the prefix of a string"
    NO = "elsewhere"


class Code:
    """What code consists of where no marker stands, as patterns that never try anything twice.

    Compiling one takes ten times as long as reading a call, so each is when something needs it.

    Args:
        quotes: The characters that open a string.
    """

    def __init__(self, quotes: str) -> None:
        closed, broken = string_patterns(quotes)
        place = rf"{SPACE}(?:{PREFIX}?+{closed}{SPACE})*+"
        self.quotes = quotes
        self._plain = r"[^\[({,:=]*+"
        self._gap = rf"(?:(?!{PREFIX}?[{quotes}])|{PREFIX}?+{broken}){self._plain}"
        begin = rf"(?:[({{,:=]|{NO_MARKER}){place}"
        further = rf"(?:{self._gap}{begin})*+"
        self._places = place + further
        self._resumed = begin + further

    @property
    def before_marker(self) -> str:
        """The pattern of all code between two markers."""
        return self._places + self._gap

    @cached_property
    def places(self) -> re.Pattern[str]:
        """From where a quote opens a string to the last place where one does, or to a string that
        does not end here.
        """
        return re.compile(self._places)

    @cached_property
    def resumed(self) -> re.Pattern[str]:
        """The same from a character after which a quote opens one."""
        return re.compile(self._resumed)

    @cached_property
    def gap(self) -> re.Pattern[str]:
        """What follows after a place, in which a quote opens nothing; no match where one opens."""
        return re.compile(self._gap)

    @cached_property
    def plain(self) -> re.Pattern[str]:
        """What follows after anything else, up to such a character or a marker."""
        return re.compile(self._plain)


def _opens_after(gap: str) -> Opens:
    if not gap:
        return Opens.YES
    return Opens.AFTER_PREFIX if _PREFIX.fullmatch(gap) else Opens.NO


def _end(pattern: re.Pattern[str], text: str, position: int, end: int) -> int:
    found = pattern.match(text, position, end)
    return found.end() if found else position


class Strings:
    """Whether a point of code is inside a string, and if not, whether a quote opens one there.

    Attributes:
        quote: What closes the string that is open; empty where none is.
    """

    __slots__ = ("_escaped", "_opens", "quote")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Stand directly after a marker."""
        self.quote = ""
        self._escaped = False  # an odd run of backslashes stands directly before this point
        self._opens = Opens.YES

    @property
    def may_open(self) -> bool:
        """Whether this point is like that directly after a marker."""
        return self._opens is Opens.YES and not self.quote

    def skip(self, code: Code, text: str, position: int, end: int) -> int:
        """Advance to a marker or to the end of a text; with `quote` set, to the end of all of it.

        Args:
            code: How it is read.
            text: What there is of it; some stands at the position.
            position: Where to begin.
            end: Where a marker may begin that is not complete; no quote and no line end follows.
        """
        if self._opens is Opens.AFTER_PREFIX and not self.quote and text[position] in code.quotes:
            self.quote = text[position]
            position += 1
        if self.quote:
            position = self._skip_string(text, position)
        if self.quote or position == end:
            return position
        return self._skip_code(code, text, position, end)

    def _skip_code(self, code: Code, text: str, position: int, end: int) -> int:
        """Advance over code that begins outside a string."""
        places = code.places
        if self._opens is not Opens.YES:
            self._opens = Opens.NO
            position = _end(code.plain, text, position, end)
            places = code.resumed
        if found := places.match(text, position, end):
            position = found.end()
        elif places is code.resumed:
            return position
        gap = code.gap.match(text, position, end)
        if gap is None:
            position += text[position] not in code.quotes  # its prefix
            self.quote = text[position]
            return self._skip_string(text, position + 1)
        self._opens = _opens_after(gap[0])
        return gap.end()

    def _skip_string(self, text: str, position: int) -> int:
        """Advance over the open string; `quote` is cleared where it ends."""
        if self._escaped:
            self._escaped = False
            position += text[position] not in "\r\n"
        inside = _INSIDE[self.quote].match(text, position)
        position = inside.end() if inside else position
        if position == len(text):
            return position
        if text[position] == "\\" and position + 1 == len(text):
            self._escaped = True
            return position + 1
        is_closed = text[position] == self.quote
        self._opens = Opens.YES if is_closed else Opens.NO
        self.quote = ""
        return position + (is_closed or text[position] == "\\")
