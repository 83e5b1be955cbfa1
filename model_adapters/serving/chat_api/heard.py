"""What a person hears of a session as it goes: the prose without the blocks that stand in it, and apart
from it what the model thought.
"""

import re
from typing import Final, NamedTuple

from cml.printer import unescape
from interpreter.events import Decoded, Inject, Rewind, Row

_BEFORE_MARKER: Final = re.compile(r"\\+(\[[A-Z]{0,4})?$")
"""The end of a text that may yet turn out to be an escaped marker."""


class HeardText(NamedTuple):
    """What is heard anew, often nothing.

    Args:
        prose: Said to whoever asked.
        thought: Out of the regions (Syntax/region), without what opens and closes them.
    """

    prose: str = ""
    thought: str = ""


class Heard:
    """Takes rows, and gives what is heard anew with each. Nothing that was heard is taken back.

    Args:
        regions: What opens and what closes a thought, in pairs (`Profile.regions`).
    """

    def __init__(self, regions: tuple[tuple[str, str], ...] = ()) -> None:
        self._prose = _Stretches()
        self._thought = _Stretches()
        self._closings = dict(reversed(regions))  # of two pairs that open alike the first counts
        self._closing = ""  # what ends the region that the text is in
        self._marker: int | None = None  # where one stands after the prose, unless it is taken back

    def take(self, row: Row) -> HeardText:
        """Take a row; return what it adds."""
        prose, thought = "", ""
        if isinstance(row.event, Decoded):
            symbol = row.event.symbol
            if row.rule == "Step/text":
                opening = self._opening(symbol.text)
                if opening or self._closing or self._marker is not None:
                    prose = self._end_prose()
                if opening or self._closing:
                    thought = self._think(opening, symbol.text)
                else:
                    prose += self._prose.read(symbol.text)
            elif symbol.marker and self._marker is None:
                self._marker = symbol.offset
        for effect in row.effects:
            match effect:
                case Rewind(offset) if self._marker is not None and offset <= self._marker:
                    self._marker = None
                case Inject():
                    prose += self._end_prose()
                case _:
                    pass
        return HeardText(prose, thought)

    def end(self) -> HeardText:
        """Return what was held back at the end."""
        return HeardText(self._end_prose(), self._thought.end())

    def _end_prose(self) -> str:
        """End a stretch of prose: something else stands after it."""
        is_before_marker, self._marker = self._marker is not None, None
        return self._prose.end(before_marker=is_before_marker)

    def _opening(self, text: str) -> str:
        """Return what opens a region at the beginning of a symbol: the shortest, which is complete first."""
        if self._closing:
            return ""
        return min(filter(text.startswith, self._closings), key=len, default="")

    def _think(self, opening: str, text: str) -> str:
        """Read a symbol of a region: it begins with what opens that, and ends with what closes it."""
        self._closing = self._closing or self._closings[opening]
        text = text.removeprefix(opening)
        if not text.endswith(self._closing):
            return self._thought.read(text)
        thought = self._thought.read(text.removesuffix(self._closing))
        self._closing = ""
        return thought + self._thought.end()


class _Stretches:
    """Stretches of text that are heard as one.

    Where something else stood between two of them, the white space round it becomes one space, or one
    line feed if it held any. There is none at the beginning and at the end.
    """

    def __init__(self) -> None:
        self._held = ""  # perhaps the backslashes of a marker
        self._space = ""  # perhaps the end
        self._is_seam = False
        self._is_begun = False

    def read(self, text: str) -> str:
        """Take what follows; return what is heard of it by now."""
        text = self._held + text
        found = _BEFORE_MARKER.search(text)
        whole = text if found is None else text[: found.start()]
        self._held = text[len(whole) :]
        return self._join(unescape(whole, before_marker=False))

    def end(self, *, before_marker: bool = False) -> str:
        """End a stretch; return what was held back."""
        held, self._held = self._held, ""
        told = self._join(unescape(held, before_marker=before_marker))
        self._is_seam = True
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
