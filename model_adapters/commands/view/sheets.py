"""Where a live view is written: one line after another, or with a foot that stays at the bottom.

A pipe, a file and a dumb terminal get what comes as it comes, and no control characters. A terminal
gets whole lines, and below them a foot that is drawn anew: the line that the model is in, and what
runs.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live as Redrawn
from rich.text import Text

from cml.terminal.foreign import visible
from cml.terminal.output import print_text

_REDRAWN_PER_SECOND: Final = 8
_LONGEST_LINE: Final = 10_000
"""Cells of a line in a pipe or a file: values are as good as whole there, and ten megabytes are not."""


class Sheet(Protocol):
    """What a live view writes on."""

    @property
    def width(self) -> int:
        """How many cells a line has."""
        ...

    def write(self, text: str) -> None:
        """Write on in the line that was begun; nothing in it acts on the terminal."""
        ...

    def line(self, line: Text) -> None:
        """Write a line of our own; no other is begun."""
        ...

    def warn(self, words: str) -> None:
        """Tell an error, on standard error; no other line is begun."""
        ...


class PlainSheet:
    """Writes what comes as it comes.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @property
    def width(self) -> int:
        """How many cells a line has: where nobody gave it a width, as many as it needs."""
        is_given = self._console.is_terminal or "COLUMNS" in os.environ
        return self._console.width if is_given else _LONGEST_LINE

    def write(self, text: str) -> None:
        """Write on in the line that was begun."""
        self._console.print(Text(text), end="", soft_wrap=True)

    def line(self, line: Text) -> None:
        """Write a line of our own."""
        self._console.print(line, soft_wrap=True)

    def warn(self, words: str) -> None:
        """Tell an error on standard error."""
        print_text(words, err=True)


class FootedSheet(PlainSheet):
    """Writes whole lines, and holds the one that is begun back: whoever draws the foot shows it.

    Args:
        console: Where whole lines go.

    Attributes:
        begun: The line that is not complete.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.begun = ""

    def write(self, text: str) -> None:
        """Take text; the lines that it completes are written."""
        complete, feed, begun = (self.begun + text).rpartition("\n")
        self.begun = begun
        if feed:
            self._console.print(Text(complete), soft_wrap=True)

    def warn(self, words: str) -> None:
        """Tell an error above the foot; on standard error too, where that is no terminal."""
        self.line(Text(visible(words)))
        if not sys.stderr.isatty():
            super().warn(words)


@contextmanager
def sheet_for(console: Console, running: Callable[[], str]) -> Iterator[Sheet]:
    """Give a live view the sheet that its console can have.

    Args:
        console: Where to.
        running: What runs, in words, at this moment.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainSheet(console)
        return
    sheet = FootedSheet(console)
    with Redrawn(
        console=console,
        get_renderable=lambda: foot(sheet.begun, running()),
        refresh_per_second=_REDRAWN_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield sheet


def foot(begun: str, running: str) -> Text:
    """Return what stands at the bottom: the line that is begun, and below it what runs."""
    lines = [Text(begun)] if begun else []
    return Text("\n").join([*lines, Text(running, "dim")] if running else lines)
