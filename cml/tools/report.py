"""Diagnostics for people: the line, what is wrong in it, by which rule, what to do."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from cml.diagnostics import RULES, Diagnostic, Severity
from cml.terminal.foreign import visible

_KEPT: Final = 131_072
_BEFORE: Final = 60
_AFTER: Final = 80
_COLORS: Final = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


class Window:
    """The last characters of a text that comes in pieces: enough to show where a fault is.

    Attributes:
        is_empty: Whether the text came to its end, and nothing had come.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._offset = 0
        self.is_empty = False

    def follow(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces on, and keep the last of their characters."""
        for piece in pieces:
            text = self._decoder.decode(piece)
            kept = self._text + text
            dropped = max(0, len(kept) - _KEPT - len(text))
            self._text, self._offset = kept[dropped:], self._offset + dropped
            yield piece
        self.is_empty = not self._text

    def line_at(self, offset: int, column: int) -> tuple[str, str] | None:
        """Return what stands before and after an offset in its line; None if it is gone, or never came.

        Args:
            offset: Characters before the place in the whole text.
            column: Its column in the line, from 1.
        """
        at = offset - self._offset
        begin = at - min(column - 1, _BEFORE)
        if begin < 0 or at > len(self._text) or not self._text:
            return None
        after = self._text[at : at + _AFTER].partition("\n")[0]
        return self._text[begin:at], after


def print_diagnostic(
    console: Console, file: str, diagnostic: Diagnostic, window: Window | None
) -> None:
    """Print one diagnostic.

    Args:
        console: Where to.
        file: Name of the file.
        diagnostic: What to say.
        window: Text around the place, where there is one.
    """
    rule, start = RULES[diagnostic.rule], diagnostic.span.start
    color = _COLORS[diagnostic.severity]
    number = str(start.line)
    margin = " " * len(number)
    title = Text.assemble(
        (f"{diagnostic.severity.value}[{diagnostic.code}]", color),
        (f": {visible(diagnostic.message)}", "bold"),
    )
    console.print(title, soft_wrap=True)
    place = f"{visible(file)}:{start.line}:{start.column}"
    console.print(Text.assemble((f"{margin}--> ", "blue"), place), soft_wrap=True)
    line = window.line_at(start.offset, start.column) if window else None
    if line is not None:
        _print_line(console, number, line, diagnostic, color)
    for name, text in (("rule", diagnostic.rule), ("help", rule.help)):
        console.print(Text.assemble((f"{margin} = ", "blue"), f"{name}: {text}"), soft_wrap=True)
    console.print(Text(f"{margin}   more: cml explain {diagnostic.code}\n", "dim"), soft_wrap=True)


def _print_line(
    console: Console, number: str, line: tuple[str, str], diagnostic: Diagnostic, color: str
) -> None:
    before, after = map(visible, line)
    span = diagnostic.span
    width = span.end.offset - span.start.offset if span.end.line == span.start.line else len(after)
    underlined = cell_len(after[: min(width, len(after))])
    margin = " " * len(number)
    mark = " " * cell_len(before) + "^" * max(1, underlined)
    console.print(Text(f"{margin} |", "blue"), soft_wrap=True)
    console.print(Text.assemble((f"{number} | ", "blue"), before, after), soft_wrap=True)
    console.print(Text.assemble((f"{margin} | ", "blue"), (mark, color)), soft_wrap=True)
