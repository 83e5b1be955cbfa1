"""Journals in a database as the command line names them: `sqlite:FILE#SESSION`, `postgresql://…#SESSION`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
import msgspec

from cml.terminal.files import FileFaultError, require_readable
from cml.terminal.options import text
from interpreter.journals import JournalError, Journals, open_journals
from interpreter.journals.opening import POSTGRES, SQLITE

SPELLING: Final = "sqlite:FILE#SESSION or postgresql://…#SESSION"


class JournalPlace(msgspec.Struct, frozen=True):
    """A database of journals, or a session in it. As a text it has no password.

    Args:
        url: Of the database, as `open_journals` takes it.
        session: The key of the session; empty where none is named.
    """

    url: str
    session: str = ""

    def __str__(self) -> str:
        """Return it as it may be shown."""
        scheme, slashes, rest = self.url.partition("//")
        shown = self.url
        if slashes:
            host, _, _ = rest.rpartition("@")[2].partition("?")
            shown = f"{scheme}//{host}"
        return f"{shown}#{self.session}" if self.session else shown


def journal_place(word: str) -> JournalPlace | None:
    """Return what a word of the command line names; None where it is no place of journals.

    Args:
        word: What stands after the first `#` is the session.

    Raises:
        click.BadParameter: It names no file where there must be one.
    """
    if not word.startswith((SQLITE, *POSTGRES)):
        return None
    url, _, session = word.partition("#")
    if url == SQLITE:
        raise click.BadParameter(f"{word!r} names no file; give {SPELLING}")
    return JournalPlace(url, text(session) if session else "")


def journal_file(place: JournalPlace) -> str | None:
    """Return the file that a database is; None where it is a server."""
    return place.url.removeprefix(SQLITE) if place.url.startswith(SQLITE) else None


@contextmanager
def opened_journals(place: JournalPlace, *, may_be_new: bool = False) -> Iterator[Journals]:
    """Open the journals of a place, and give a database that fails the words of all commands.

    Args:
        place: Which.
        may_be_new: Whether the file of a database is made where there is none.

    Raises:
        FileFaultError: The database cannot be reached, or refuses.
        MissingExtraError: A package is not installed.
    """
    file = journal_file(place)
    if file is not None and not may_be_new:
        require_readable(file)
    try:
        with open_journals(place.url) as journals:
            yield journals
    except JournalError as error:
        message = str(error) if file is None else str(error).removeprefix(f"{file}: ")
        raise FileFaultError(f"{place}: {message}") from None
