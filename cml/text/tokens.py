"""The lexer of the token profile: token ids in, symbols out (spec/1-syntax.md, section 1.8).

Nothing has to be searched for and nothing is held back but the bytes of a begun character.
"""

import codecs
from collections.abc import Mapping
from typing import Final

from cml.diagnostics import CmlError
from cml.symbols import GENERATED_OPENERS, OPENERS, Marker, Symbol
from cml.text.monitor import EDGES, GENERATED_EDGES, Mode, interruptible
from cml.wording import counted


class TokenLexer:
    """Turns the tokens of a context into symbols (Syntax/reserved-token).

    Args:
        reserved: The token id of each marker.
        generated: True for what a model writes: there `[INTR]` opens nothing (Step/forged).

    Raises:
        ValueError: A marker has no token id, or two markers have the same.
    """

    def __init__(self, reserved: Mapping[Marker, int], *, generated: bool = False) -> None:
        self._markers: Final = {token: marker for marker, token in reserved.items()}
        if len(self._markers) != len(Marker):
            raise ValueError("each of the five markers has a token id of its own")
        self.mode = Mode.PROSE
        self._edges = GENERATED_EDGES if generated else EDGES
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._offset = 0
        self._openers = GENERATED_OPENERS if generated else OPENERS
        self._opened = 0  # where the block that is open begins

    @property
    def interruptible(self) -> bool:
        """Whether this is a safe point: outside a block and outside a character."""
        return interruptible(self.mode) and not self.holding

    @property
    def holding(self) -> bool:
        """Whether bytes were received that are not yet a character."""
        return bool(self._decoder.getstate()[0])

    @property
    def offset(self) -> int:
        """Characters of the context that have become symbols."""
        return self._offset

    def take(self, token: int, spelling: str | bytes) -> Symbol | None:
        """Take the next token and return its symbol, or None if it completes no character.

        Args:
            token: Its id.
            spelling: What it spells, as characters or as bytes; not looked at for a marker.

        Raises:
            CmlError: The bytes are not UTF-8, or a marker cuts a character in two.
        """
        marker = self._markers.get(token)
        if marker is None:
            text = spelling if isinstance(spelling, str) else self._decode(spelling)
            return self._symbol(text, None) if text else None
        self.close()
        if marker in self._openers:
            self._opened = self._offset
        self.mode = self._edges[self.mode][marker]
        return self._symbol(marker.value, marker)

    def close(self) -> None:
        """End the input.

        Raises:
            CmlError: It ends inside a character.
        """
        self._decode(b"", final=True)

    def discard(self, offset: int) -> None:
        """Go on as if nothing had been received from this offset on (Embed/rewind).

        Args:
            offset: Where a forged marker begins, where the last symbol ends, or where the block
                that is open begins: then it is prose again from there.
        """
        if self.mode is not Mode.PROSE and offset <= self._opened:
            self.mode = Mode.PROSE
        self._decoder.reset()
        self._offset = offset

    def _symbol(self, text: str, marker: Marker | None) -> Symbol:
        symbol = Symbol(text, self._offset, marker)
        self._offset += len(text)
        return symbol

    def _decode(self, piece: bytes, *, final: bool = False) -> str:
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            offset = self._offset + len(error.object[: error.start].decode("utf-8"))
            message = (
                f"the tokens are not UTF-8: {error.reason}, after {counted(offset, 'character')}"
            )
            raise CmlError("Syntax/encoding", message, offset) from None
