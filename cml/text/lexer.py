"""The incremental lexer: pieces of any size in, symbols out (spec/1-syntax.md, section 2).

Linear in the input, constant in memory: between pieces it keeps a begun marker (at most five
characters), the mode and whether it stands inside a string. How the input was cut never shows in
the symbols, except that a run of text may come in several: one for each piece, and no more.
"""

import re
from collections.abc import Iterator
from typing import Final

from cml.arguments import require_text, take_profile
from cml.characters import Characters
from cml.diagnostics import CmlError
from cml.profile import Profile
from cml.symbols import (
    BEGUN_MARKERS,
    GENERATED_OPENERS,
    LONGEST_MARKER,
    MARKER_PATTERN,
    MARKERS,
    OPENERS,
    Marker,
    Symbol,
    WholeBlock,
)
from cml.text.code import Code, Strings
from cml.text.monitor import Mode, interruptible
from cml.text.states import LexerState, first_state
from cml.wording import counted

_PLAIN: Final = re.compile(MARKER_PATTERN)
_SWEEP: Final = 1_000  # symbols that are held at once


class Lexer:
    """Turns pieces of a context into symbols.

    Args:
        profile: The body language decides which quotes open a string.
        generated: True for what a model writes: there `[INTR]` opens nothing (Step/forged).
    """

    def __init__(self, profile: Profile | None = None, *, generated: bool = False) -> None:
        self._prose = first_state(take_profile(profile).body, generated=generated)
        self._state = self._prose
        self._simple: LexerState | None = self._prose  # where only a `[` may begin something
        openers = GENERATED_OPENERS if generated else OPENERS
        self._openers = frozenset(marker.value for marker in openers)
        self._opened = 0  # where the block that is open begins
        self._characters = Characters()
        self._buffer = ""
        self._position = 0
        self._offset = 0
        self._marker = ""  # which is known to stand at this point, or none
        self._strings = Strings()  # of the block that is open
        self._escaped = (
            False  # an odd run of backslashes stands directly before this point of prose
        )

    @property
    def mode(self) -> Mode:
        """What this point is inside of."""
        return self._state.mode

    @property
    def interruptible(self) -> bool:
        """Whether this is a safe point of the text: outside a block, with nothing held back."""
        return interruptible(self.mode) and not self.holding

    @property
    def in_region(self) -> bool:
        """Whether this point is inside an inert region: never, for a profile without any."""
        return False

    @property
    def holding(self) -> bool:
        """Whether characters were received that are not yet part of a symbol."""
        return self._position < len(self._buffer) or self._characters.is_partial

    @property
    def offset(self) -> int:
        """Characters of the context that have become symbols."""
        return self._offset

    @property
    def received(self) -> int:
        """Characters of the context that have come: those of its symbols, and those held back."""
        return self._offset + len(self._buffer) - self._position

    def feed(self, piece: str | bytes) -> tuple[Symbol, ...]:
        """Take a piece of the context and return the symbols it completes.

        Args:
            piece: Characters, or bytes of UTF-8 that may be cut inside a character.

        Raises:
            CmlError: The piece is not UTF-8; the symbols before the place are lost. `push` and
                `pull` give them first.
            TypeError: It is no text.
        """
        if (
            self._state is self._simple
            and isinstance(piece, str)
            and piece
            and "[" not in piece
            and "\\" not in piece
            and piece.isascii()
            and self._position == len(self._buffer)
            and self._characters.fault is None
        ):  # as most pieces are: nothing can begin in it, and nothing is held back before it
            symbol = Symbol(piece, self._offset)
            self._offset += len(piece)
            self._escaped = False
            return (symbol,)
        require_text(piece)
        self.push(piece)
        return tuple(self.ready())

    def close(self) -> tuple[Symbol, ...]:
        """End the input; a begun marker is released as text (Syntax/begun-marker).

        Raises:
            CmlError: The bytes end inside a character.
        """
        self._characters.end()
        return (*self.ready(), *self.release())

    def release(self) -> tuple[Symbol, ...]:
        """Return what is held back as a text, where it is known that no marker begins there."""
        is_held = self._position < len(self._buffer)
        return (self._take_text(len(self._buffer)),) if is_held else ()

    def push(self, piece: str | bytes) -> None:
        """Take a piece without lexing it; `pull` then gives its symbols one by one."""
        if self._characters.fault is None:
            self._buffer = self._buffer[self._position :] + self._characters.take(piece)
            self._position = 0

    def ready(self, *, whole_blocks: bool = False) -> Iterator[Symbol]:
        """Yield the symbols that are complete; the lexer may be some of them ahead.

        Args:
            whole_blocks: Whether those of a block of which all has come are taken together.

        Raises:
            CmlError: The next character is not UTF-8.
        """
        while self._position < len(self._buffer):
            yield from self._sweep(whole_blocks)
            symbol = self.pull()
            if symbol is None:
                return
            yield symbol
        self._refuse_what_is_no_text()

    def pull(self) -> Symbol | None:
        """Return the next symbol, or None when more input is needed.

        Raises:
            CmlError: The next character is not UTF-8.
        """
        if self._position < len(self._buffer):
            if not self._marker:
                end = self._scan()
                if end > self._position:
                    return self._take_text(end)
            if self._marker:
                return self._take_marker()
        self._refuse_what_is_no_text()
        return None

    def _sweep(self, whole_blocks: bool) -> list[Symbol]:
        """Take texts and markers in turn up to where `pull` has to look more closely: at a run of
        backslashes before a `[`, at a string that does not end, at the end of the buffer.
        """
        symbols: list[Symbol] = []
        if self._marker or self._escaped or not self._strings.may_open:
            return symbols
        buffer, position, state = self._buffer, self._position, self._state
        ahead = self._offset - position
        while len(symbols) < _SWEEP and (found := state.sweep.match(buffer, position)):
            begin, end = found.span(1)
            if begin > position:
                symbols.append(Symbol(buffer[position:begin], position + ahead))
            spelling = found[1]
            marker, at = MARKERS[spelling], begin + ahead
            position, state = end, state.edges[spelling]
            if spelling in self._openers:
                self._opened = at
                if whole_blocks and (whole := state.whole(buffer, begin, end)):
                    position, heads = whole
                    state = self._prose
                    symbols.append(WholeBlock(buffer[begin:position], at, marker, heads))
                    continue
            symbols.append(Symbol(spelling, at, marker))
        self._position, self._offset, self._state = position, position + ahead, state
        return symbols

    def discard(self, offset: int) -> None:
        """Go on as if nothing had been received from this offset on (Embed/rewind).

        Args:
            offset: Where a forged marker begins, where the last symbol ends, or where the block
                that is open begins: then it is prose again from there.
        """
        if self.mode is not Mode.PROSE and offset <= self._opened:
            self._state, self._escaped = self._prose, False
            self._strings.reset()
        self._buffer = self._marker = ""
        self._position = 0
        self._offset = offset
        self._characters.reset()

    def appended(self) -> None:
        """Take note that the runtime appended a block here: no backslash stands before this point."""
        self._escaped = False

    def _refuse_what_is_no_text(self) -> None:
        if fault := self._characters.fault:
            message = (
                f"the input is not UTF-8: {fault}, after {counted(self.received, 'character')}"
            )
            raise CmlError("Syntax/encoding", message, self.received)

    def _take_text(self, end: int) -> Symbol:
        text = self._buffer[self._position : end]
        if self._state.mode is Mode.PROSE:
            self._escaped = text[-1] == "\\" and self._ends_escaped(text)
        symbol = Symbol(text, self._offset)
        self._position = end
        self._offset += len(text)
        return symbol

    def _ends_escaped(self, text: str) -> bool:
        """Whether an odd run of backslashes ends here, which may have begun before the text."""
        backslashes = len(text) - len(text.rstrip("\\"))
        runs_on = backslashes == len(text) and self._escaped
        return (backslashes % 2 == 1) != runs_on

    def _take_marker(self) -> Symbol:
        spelling = self._marker
        symbol = Symbol(spelling, self._offset, MARKERS[spelling])
        if spelling in self._openers:
            self._opened = self._offset
        self._position += len(spelling)
        self._offset += len(spelling)
        self._escaped = False
        self._marker = ""
        self._state = self._state.edges[spelling]
        if spelling in self._openers or spelling != Marker.INTR.value:  # else it is taken back
            self._strings.reset()
        return symbol

    def _scan(self) -> int:
        """Return where certain text ends; `_marker` then is the marker that stands there, if any."""
        if self._state is self._simple and self._buffer.find("[", self._position) < 0:
            return len(self._buffer)
        if code := self._state.code:
            return self._scan_code(code)
        match = self._search_prose()
        if match is not None:
            self._marker = match.group()
            return match.start()
        return self._begun()

    def _scan_code(self, code: Code) -> int:
        """Return where certain text ends in a block that has strings."""
        begun = self._begun()
        position = self._strings.skip(code, self._buffer, self._position, begun)
        if self._strings.quote:
            return len(self._buffer)
        if position < begun and (marker := _PLAIN.match(self._buffer, position)):
            self._marker = marker.group()
        return position

    def _begun(self) -> int:
        """Where a proper prefix of a marker begins at the end of the buffer, else its length."""
        buffer, length = self._buffer, len(self._buffer)
        earliest = length - LONGEST_MARKER + 1
        start = buffer.rfind("[", max(self._position, earliest))
        return start if start >= 0 and buffer[start:] in BEGUN_MARKERS else length

    def _search_prose(self) -> re.Match[str] | None:
        buffer, position = self._buffer, self._position
        is_prose = self._state.mode is Mode.PROSE
        while match := _PLAIN.search(buffer, position):
            if not (is_prose and self._is_escaped(match.start())):
                return match
            position = match.end()
        return None

    def _is_escaped(self, at: int) -> bool:
        """Whether an odd run of backslashes stands directly before `at` (Syntax/escape)."""
        start = at
        while start > self._position and self._buffer[start - 1] == "\\":
            start -= 1
        runs_on = start == self._position and self._escaped
        return ((at - start) % 2 == 1) != runs_on
