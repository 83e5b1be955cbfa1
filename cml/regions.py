"""Inert regions: text in which nothing is CML, such as a model's reasoning (Syntax/region).

A region opens and closes with strings that the profile names. Outside blocks, from the one to the
other, everything is text: a call that is quoted there is not a call, and nothing may be inserted.
"""

from cml.lexer import Lexer
from cml.profile import Profile
from cml.symbols import Symbol


class RegionLexer:
    """A lexer that knows the inert regions of a profile.

    Args:
        profile: Its `regions` are pairs of what opens and what closes one.
        generated: As for `Lexer`.
    """

    def __init__(self, profile: Profile, *, generated: bool = False) -> None:
        self._lexer = Lexer(profile, generated=generated)
        self._closings = dict(profile.regions)
        self._closing = ""  # what ends the region that this point is in
        self._opening = ""  # a tag at the head of the buffer that opens a region unless in a block
        self._buffer = ""

    @property
    def holding(self) -> bool:
        """Whether characters were received that are not yet part of a symbol."""
        return bool(self._buffer) or self._lexer.holding

    @property
    def interruptible(self) -> bool:
        """Whether this is a safe point of the text: no block, no region, nothing held back."""
        return not self._closing and not self.holding and self._lexer.interruptible

    @property
    def in_region(self) -> bool:
        """Whether this point is inside a region."""
        return bool(self._closing)

    def push(self, piece: str | bytes) -> None:
        """Take a piece without lexing it."""
        self._buffer += self._lexer.characters(piece)

    def pull(self) -> Symbol | None:
        """Return the next symbol, or None when more input is needed."""
        while True:
            if symbol := self._lexer.pull():
                return symbol
            if not self._buffer:
                return None
            if self._closing:
                return self._pull_inside()
            if not self._advance():
                return None

    def feed(self, piece: str | bytes) -> tuple[Symbol, ...]:
        """Take a piece of the context and return the symbols it completes."""
        self.push(piece)
        return tuple(iter(self.pull, None))

    def close(self) -> tuple[Symbol, ...]:
        """End the input, and with it every region; what is begun is released as text."""
        symbols = tuple(iter(self.pull, None))
        rest, self._buffer = self._buffer, ""
        if self._closing:
            self._closing = ""
            return (*symbols, self._lexer.plain(rest)) if rest else symbols
        self._lexer.push(rest)
        return (*symbols, *iter(self._lexer.pull, None), *self._lexer.close())

    def discard(self, offset: int) -> None:
        """Go on as if nothing had been received from this offset on (Embed/rewind)."""
        self._buffer = self._opening = ""
        self._lexer.discard(offset)

    def appended(self) -> None:
        """Take note that the runtime appended a block here."""
        self._lexer.appended()

    def _pull_inside(self) -> Symbol | None:
        at = self._buffer.find(self._closing)
        if at >= 0:
            end = at + len(self._closing)
            self._closing = ""
        else:
            end = len(self._buffer) - _begun(self._buffer, (self._closing,))
        return self._plain(end) if end else None

    def _advance(self) -> bool:
        """Give the lexer what it may have; open a region where one begins. False: wait for more."""
        if self._opening:
            tag, self._opening = self._opening, ""
            if self._lexer.is_prose:
                self._closing = self._closings[tag]
            else:
                self._give(len(tag))
            return True
        found = [(at, tag) for tag in self._closings if (at := self._buffer.find(tag)) >= 0]
        if found:
            at, self._opening = min(found)
            self._give(at)
            return True
        end = len(self._buffer) - _begun(self._buffer, tuple(self._closings))
        self._give(end)
        return end > 0

    def _give(self, end: int) -> None:
        self._lexer.push(self._buffer[:end])
        self._buffer = self._buffer[end:]

    def _plain(self, end: int) -> Symbol:
        text, self._buffer = self._buffer[:end], self._buffer[end:]
        return self._lexer.plain(text)


def _begun(text: str, tags: tuple[str, ...]) -> int:
    """How many characters at the end of a text begin one of the tags."""
    longest = max(map(len, tags)) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in tags):
            return length
    return 0


def make_lexer(profile: Profile, *, generated: bool = False) -> Lexer | RegionLexer:
    """Return the lexer of a profile: the plain one where it names no regions."""
    kind = RegionLexer if profile.regions else Lexer
    return kind(profile, generated=generated)
