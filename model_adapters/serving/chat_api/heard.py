"""What a person hears of a session as it goes: the prose without the blocks that stand in it."""

import re
from typing import Final

from cml.printer import unescape
from interpreter.events import Decoded, Inject, Rewind, Row

_BEFORE_MARKER: Final = re.compile(r"\\+(\[[A-Z]{0,4})?$")
"""The end of a text that may yet turn out to be an escaped marker."""


class Heard:
    """Takes rows, and gives what is heard anew with each. Nothing that was heard is taken back.

    Where blocks stand between two stretches of prose, the white space round them becomes one
    space, or one line feed if it held any. There is none at the beginning and at the end.
    """

    def __init__(self) -> None:
        self._held = ""  # perhaps the backslashes of a marker
        self._marker: int | None = None  # where one stands after them, unless it is taken back
        self._space = ""  # perhaps the end
        self._is_seam = False
        self._is_begun = False

    def take(self, row: Row) -> str:
        """Take a row; return what it adds, often nothing."""
        told = ""
        if isinstance(row.event, Decoded):
            symbol = row.event.symbol
            if row.rule == "Step/text":
                told = "" if self._marker is None else self._close()
                told += self._read(symbol.text)
            elif symbol.marker and self._marker is None:
                self._marker = symbol.offset
        for effect in row.effects:
            match effect:
                case Rewind(offset) if self._marker is not None and offset <= self._marker:
                    self._marker = None
                case Inject():
                    told += self._close()
                case _:
                    pass
        return told

    def end(self) -> str:
        """Return what was held back at the end."""
        return self._close()

    def _read(self, text: str) -> str:
        text = self._held + text
        found = _BEFORE_MARKER.search(text)
        whole = text if found is None else text[: found.start()]
        self._held = text[len(whole) :]
        return self._join(unescape(whole, before_marker=False))

    def _close(self) -> str:
        """End a stretch of prose: something else stands after it."""
        held, self._held = self._held, ""
        told = self._join(unescape(held, before_marker=self._marker is not None))
        self._is_seam, self._marker = True, None
        return told

    def _join(self, text: str) -> str:
        """Put a text behind what was heard; white space at its end waits for what follows."""
        words = text.strip()
        if not words:
            self._space += text
            return ""
        begin = text.index(words)
        space = self._space + text[:begin]
        self._space = text[begin + len(words) :]
        if not self._is_begun:
            space = ""
        elif self._is_seam:
            space = "\n" if "\n" in space else " "
        self._is_begun, self._is_seam = True, False
        return space + words
