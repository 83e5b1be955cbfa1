"""Printing: text for people, JSON for programs, tables; on any terminal and any encoding."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Final, TextIO

import click
import msgspec

from cml.terminal.foreign import json_text, visible_lines

READABLE: Final = "cml.readable"
"""Name under which `codecs` finds `spelt`; `entry` registers it."""

_SPELT: Final = {
    **dict(zip("█▒░·╌─━│▶◀◁◆⏸⇥", "#=:.---|><<*|>", strict=True)),
    **dict(zip("–—‘’“”µ×→←", "--''\"\"ux><", strict=True)),
    "…": "...",
    "\N{REPLACEMENT CHARACTER}": "?",
    "\N{SYMBOL FOR DELETE}": "?",
}


def print_text(text: str, *, err: bool = False, color: str | None = None) -> None:
    """Print a line, or several, for people; nothing in it acts on the terminal.

    Args:
        text: The lines, without the last line feed.
        err: To standard error.
        color: Colour of the whole, where the output is a terminal.
    """
    click.secho(visible_lines(text), err=err, fg=color)


def print_json(document: object) -> None:
    """Print a document as JSON: UTF-8, whatever the terminal's encoding, and a line feed. What would
    not be seen is spelt out: it may be a terminal that reads it.

    Args:
        document: What msgspec can encode.
    """
    click.echo(json_text(msgspec.json.encode(document)).encode())


@contextmanager
def only_ours() -> Iterator[None]:
    """Send to standard error what C code and other programs write to standard output meanwhile."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # there is no standard output, or no standard error
        yield
        return
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def spelt(error: UnicodeError) -> tuple[str, int]:
    r"""Spell what an encoding cannot say, for `codecs.register_error`.

    Our own signs become ASCII of the same meaning, so that a picture stays a picture; all other
    characters become their number, as in `\u65e5`.

    Args:
        error: What could not be encoded, and where.

    Raises:
        UnicodeError: Nothing was to be encoded.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    failed = error.object[error.start : error.end]
    return "".join(map(_spell, failed)), error.end


def _spell(character: str) -> str:
    if "\N{SYMBOL FOR NULL}" <= character <= "\N{SYMBOL FOR UNIT SEPARATOR}":
        return "?"
    numbered = character.encode("ascii", "backslashreplace").decode("ascii")
    return _SPELT.get(character, numbered)


def utf8_output() -> TextIO:
    """Return standard output, from here on in UTF-8, for a format that is UTF-8 as JSON is."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    return sys.stdout


def name_of(file: str) -> str:
    """Return a file's name as text: bytes that are not UTF-8 are replaced."""
    return file.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
