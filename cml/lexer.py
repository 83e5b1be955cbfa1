"""The incremental lexer: pieces of any size in, symbols out (spec/1-syntax.md, section 2).

Linear in the input, constant in memory: between pieces it keeps a begun marker (at most five
characters), the mode and whether it stands inside a string. How the input was cut never shows in
the symbols, except that a run of text may come in several.
"""

import codecs
import re
from typing import Final

from cml.diagnostics import CmlError
from cml.monitor import EDGES, GENERATED_EDGES, Mode, interruptible
from cml.profile import Body, Profile
from cml.symbols import LONGEST_MARKER, MARKER_PATTERN, Marker, Symbol

_PREFIXES: Final = frozenset(m.value[:n] for m in Marker for n in range(1, len(m.value)))
_PLAIN: Final = re.compile(MARKER_PATTERN)
_OUTSIDE_STRING: Final = {
    "\"'": re.compile(f"[\"']|{MARKER_PATTERN}"),
    '"': re.compile(f'"|{MARKER_PATTERN}'),
}
# The inside of a string, up to its quote, the end of its line or the end of input (Syntax/string).
_INSIDE_STRING: Final = {
    quote: re.compile(rf"[^{quote}\\\r\n]*(?:\\[^\r\n][^{quote}\\\r\n]*)*") for quote in "\"'"
}
_CALL_QUOTES: Final = {Body.PYTHON: "\"'", Body.JSON: '"'}


def _quotes(body: Body) -> dict[Mode, str]:
    """The characters that open a string in each mode; none in prose and traps."""
    call = dict.fromkeys((Mode.CALL, Mode.CALL_BODY, Mode.CALL_FAULT), _CALL_QUOTES[body])
    interrupt = (Mode.INTERRUPT, Mode.INTERRUPT_BODY, Mode.INTERRUPT_FAULT)
    return call | dict.fromkeys(interrupt, '"')


_QUOTES: Final = {body: _quotes(body) for body in Body}


class Lexer:
    """Turns pieces of a context into symbols.

    Args:
        profile: The body language decides which quotes open a string.
        generated: True for what a model writes: there `[INTR]` opens nothing (Step/forged).
    """

    def __init__(self, profile: Profile | None = None, *, generated: bool = False) -> None:
        self.mode = Mode.PROSE
        self._edges = GENERATED_EDGES if generated else EDGES
        self._quotes = _QUOTES[(profile or Profile()).body]
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._buffer = ""
        self._position = 0
        self._offset = 0
        self._quote = ""
        self._escaped = False  # an odd run of backslashes stands directly before this point

    @property
    def interruptible(self) -> bool:
        """Whether this is a safe point of the text: outside a block, with nothing held back."""
        return interruptible(self.mode) and not self.holding

    @property
    def holding(self) -> bool:
        """Whether characters were received that are not yet part of a symbol."""
        return self._position < len(self._buffer) or bool(self._decoder.getstate()[0])

    @property
    def offset(self) -> int:
        """Characters of the context that have become symbols."""
        return self._offset

    def feed(self, piece: str | bytes) -> tuple[Symbol, ...]:
        """Take a piece of the context and return the symbols it completes.

        Args:
            piece: Characters, or bytes of UTF-8 that may be cut inside a character.

        Raises:
            CmlError: The bytes are not UTF-8.
        """
        self.push(piece)
        return tuple(iter(self.pull, None))

    def close(self) -> tuple[Symbol, ...]:
        """End the input; a begun marker is released as text (Syntax/begun-marker).

        Raises:
            CmlError: The bytes end inside a character.
        """
        self._decode(b"", final=True)
        rest = self._buffer[self._position :]
        return (self._take_text(len(self._buffer)),) if rest else ()

    def push(self, piece: str | bytes) -> None:
        """Take a piece without lexing it; `pull` then gives its symbols one by one."""
        text = piece if isinstance(piece, str) else self._decode(piece, final=False)
        self._buffer = self._buffer[self._position :] + text
        self._position = 0

    def pull(self) -> Symbol | None:
        """Return the next symbol, or None when more input is needed."""
        if self._position == len(self._buffer):
            return None
        end, marker = self._scan()
        if end > self._position:
            return self._take_text(end)
        return self._take_marker(marker) if marker else None

    def discard(self, offset: int) -> None:
        """Go on as if nothing had been received from this offset on (Embed/rewind).

        Args:
            offset: Where a forged marker begins, or where the last symbol ends.
        """
        self._buffer = ""
        self._position = 0
        self._offset = offset
        self._decoder.reset()

    def _decode(self, piece: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            raise CmlError(
                "Syntax/encoding",
                f"the input is not UTF-8: {error.reason} after {self._offset} characters; "
                "a context is UTF-8 text, so convert the file first",
            ) from None

    def _take_text(self, end: int) -> Symbol:
        text = self._buffer[self._position : end]
        if self.mode is Mode.PROSE:
            backslashes = len(text) - len(text.rstrip("\\"))
            runs_on = backslashes == len(text) and self._escaped
            self._escaped = (backslashes % 2 == 1) != runs_on
        symbol = Symbol(text, self._offset)
        self._position = end
        self._offset += len(text)
        return symbol

    def _take_marker(self, marker: Marker) -> Symbol:
        symbol = Symbol(marker.value, self._offset, marker)
        self._position += len(marker.value)
        self._offset += len(marker.value)
        self._escaped = False
        self.mode = self._edges[self.mode][marker]
        return symbol

    def _scan(self) -> tuple[int, Marker | None]:
        """Return where certain text ends, and the marker that stands there, if any."""
        quotes = self._quotes.get(self.mode)
        match = self._search_prose() if quotes is None else self._search_code(quotes)
        if match is not None:
            return match.start(), Marker(match.group())
        return (len(self._buffer) if self._quote else self._begun_marker()), None

    def _begun_marker(self) -> int:
        """Where a proper prefix of a marker begins at the end of the buffer, else its length."""
        start = self._buffer.rfind("[", max(self._position, len(self._buffer) - LONGEST_MARKER + 1))
        return start if start >= 0 and self._buffer[start:] in _PREFIXES else len(self._buffer)

    def _search_prose(self) -> re.Match[str] | None:
        position = self._position
        while match := _PLAIN.search(self._buffer, position):
            if self.mode is not Mode.PROSE or not self._is_escaped(match.start()):
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

    def _search_code(self, quotes: str) -> re.Match[str] | None:
        """Find the first marker outside a string, following strings on the way."""
        buffer, position = self._buffer, self._position
        while position < len(buffer):
            if self._quote:
                position = self._skip_string(position)
                continue
            match = _OUTSIDE_STRING[quotes].search(buffer, position)
            if match is None or len(match.group()) > 1:
                return match
            self._quote, position = match.group(), match.end()
        return None

    def _skip_string(self, position: int) -> int:
        """Advance over an open string; `_quote` is cleared where it ends (Syntax/string)."""
        buffer = self._buffer
        if self._escaped:
            self._escaped = False
            position += buffer[position] not in "\r\n"
        inside = _INSIDE_STRING[self._quote].match(buffer, position)
        position = inside.end() if inside else position
        if position == len(buffer):
            return position
        if buffer[position] == "\\" and position + 1 == len(buffer):
            self._escaped = True
            return position + 1
        is_closed = buffer[position] == self._quote
        self._quote = ""
        return position + (is_closed or buffer[position] == "\\")
