"""Inert regions: text in which nothing is CML, such as a model's reasoning (Syntax/region).

A region opens and closes with strings that the profile names. Outside blocks, from the one to the
other, everything is text: a call that is quoted there is not a call, and nothing may be inserted.
"""

import re
from collections.abc import Collection
from typing import Final

from cml.profile import Profile
from cml.symbols import MARKERS, Symbol
from cml.text.lexer import Lexer
from cml.text.monitor import Mode


class RegionLexer(Lexer):
    """A lexer that knows the inert regions of a profile.

    In prose it looks for the strings that open a region as well as for markers; what is complete
    first counts. Inside a region it looks for what closes it, and for nothing else.

    Args:
        profile: Its `regions` are pairs of what opens and what closes one.
        generated: As for `Lexer`.
    """

    def __init__(self, profile: Profile, *, generated: bool = False) -> None:
        super().__init__(profile, generated=generated)
        self._simple = None
        # Of two pairs that open alike the first counts.
        self._closings: Final = dict(reversed(profile.regions))
        self._closing = ""  # what ends the region that this point is in
        spellings = sorted(MARKERS.keys() | self._closings.keys(), key=len)
        self._spellings: Final = re.compile("|".join(map(re.escape, spellings)))
        openings = sorted(self._closings, key=len)
        self._openings: Final = re.compile("|".join(map(re.escape, openings)))

    @property
    def interruptible(self) -> bool:
        """Whether this is a safe point of the text: no block, no region, nothing held back."""
        return not self._closing and super().interruptible

    @property
    def in_region(self) -> bool:
        """Whether this point is inside a region."""
        return bool(self._closing)

    def pull(self) -> Symbol | None:
        """Return the next symbol, or None when more input is needed.

        Raises:
            CmlError: The next character is not UTF-8.
        """
        if not self._closing:
            return super().pull()
        end = self._end_inside(self._position)
        if end > self._position:
            return self._take_text(end)
        self._refuse_what_is_no_text()
        return None

    def _sweep(self, whole_blocks: bool) -> list[Symbol]:
        """Every symbol is looked at: it may open a region."""
        del whole_blocks
        return []

    def close(self) -> tuple[Symbol, ...]:
        """End the input, and with it every region; what is begun is released as text.

        Raises:
            CmlError: The bytes end inside a character.
        """
        symbols = super().close()
        self._closing = ""
        return symbols

    def _take_marker(self) -> Symbol:
        opening = self._marker
        is_marker = opening in MARKERS and not self._is_escaped(self._position)
        if is_marker or opening not in self._closings:
            return super()._take_marker()
        self._marker, self._closing = "", self._closings[opening]
        return self._take_text(self._end_inside(self._position + len(opening)))

    def _end_inside(self, start: int) -> int:
        """Return where the region ends, or how far it is certain that it goes.

        Args:
            start: Where in the buffer what closes the region may begin.
        """
        at = self._buffer.find(self._closing, start)
        if at < 0:
            return _begun(self._buffer, start, [self._closing])
        end = at + len(self._closing)
        self._closing = ""
        return end

    def _search_prose(self) -> re.Match[str] | None:
        if self._state.mode is not Mode.PROSE:
            return super()._search_prose()
        return self._first(self._position)

    def _first(self, position: int) -> re.Match[str] | None:
        """Return the marker or opening that is complete first; of several, the longest."""
        first = self._next(position, len(self._buffer))
        while first:
            begin, end = first.span()
            inside = self._next(begin + 1, end - 1)
            if inside is None:
                return first
            first = inside
        return None

    def _next(self, position: int, end: int) -> re.Match[str] | None:
        """Return what begins first; an escaped marker is text, in which an opening may stand."""
        while found := self._spellings.search(self._buffer, position, end):
            if found[0] not in MARKERS or not self._is_escaped(found.start()):
                return found
            if opening := self._openings.match(self._buffer, found.start(), end):
                return opening
            position = found.start() + 1
        return None

    def _begun(self) -> int:
        begun = super()._begun()
        if self._state.mode is not Mode.PROSE:
            return begun
        return min(begun, _begun(self._buffer, self._position, self._closings))


def _begun(text: str, start: int, spellings: Collection[str]) -> int:
    """Where a proper prefix of one of the spellings begins at the end of a text, else its length."""
    longest = max(map(len, spellings)) - 1
    for at in range(max(start, len(text) - longest), len(text)):
        if any(spelling.startswith(text[at:]) for spelling in spellings):
            return at
    return len(text)


def make_lexer(profile: Profile, *, generated: bool = False) -> Lexer:
    """Return the lexer of a profile: the plain one where it names no regions."""
    kind = RegionLexer if profile.regions else Lexer
    return kind(profile, generated=generated)
