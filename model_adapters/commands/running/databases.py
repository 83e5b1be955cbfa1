"""A trace in a database: its session is this worker's as long as the command runs (Embed/owner).

Whether an instant is written there that could not be confirmed is not known, and another worker may take the
session: so it never goes on without its trace.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

import click

from cml.terminal.output import print_text
from cml.wording import counted
from interpreter.commands.journal_places import JournalPlace, opened_journals
from interpreter.events import Row
from interpreter.journals import Owned, Past
from interpreter.trace import Header, TraceError
from model_adapters.commands.running.recording import session_over

_NONE_LEFT: Final = (
    "no session is left by its worker with a turn under way; cml journals lists what there is"
)


class NewSession:
    """Begins the session that a place names (`Recording`).

    Args:
        place: The database, and the key of the session.
        stack: Gives it up, and closes the database.

    Raises:
        FileFaultError: The database cannot be reached.
        MissingExtraError: A package is not installed.
    """

    past: Past | None = None
    failed = False

    def __init__(self, place: JournalPlace, stack: ExitStack) -> None:
        self._key = place.session
        self._stack = stack
        self._journals = stack.enter_context(opened_journals(place, may_be_new=True))
        self._owned: Owned | None = None
        self.written_to = str(place)

    def begin(self, header: Header, warn: Callable[[str], object]) -> None:
        """Write the first line; the session never goes on without its trace.

        Raises:
            HostError: There is a session of this key (Embed/owner).
            JournalError: The database could not do it.
        """
        del warn
        self._owned = self._stack.enter_context(self._journals.begin(self._key, header))

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of an instant; see `Owned.write`."""
        if self._owned is not None:
            self._owned.write(rows)


class TakenSession:
    """Goes on with the session that a place names, or with the one that was left longest (`Recording`).

    Args:
        place: The database, and the key of the session, if it is a certain one.
        stack: Gives it up, and closes the database.

    Raises:
        FileFaultError: The database cannot be reached.
        HostError: Another worker owns the session, or there is none of this key (Embed/owner).
        MissingExtraError: A package is not installed.
        click.ClickException: A line is at fault, the session is over, or none is left.
    """

    failed = False

    def __init__(self, place: JournalPlace, stack: ExitStack) -> None:
        journals = stack.enter_context(opened_journals(place))
        try:
            # Looked at before it is taken: one that is over has no further owner.
            if place.session and journals.kept(place.session)[0].is_over:
                raise session_over(str(place))
            owned = journals.take(place.session) if place.session else journals.take_any()
        except TraceError as error:
            raise click.ClickException(f"{place}: {error}") from None
        if owned is None:
            raise click.ClickException(f"{place}: {_NONE_LEFT}")
        stack.enter_context(owned)
        self._owned = owned
        self.past = owned.past
        self.written_to = str(JournalPlace(place.url, owned.key))
        before = counted(owned.token - 1, "owner")
        print_text(f"{self.written_to}: goes on, after {before}", err=True)

    def begin(self, header: Header, warn: Callable[[str], object]) -> None:
        """Leave the first line as it is."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of an instant; see `Owned.write`."""
        self._owned.write(rows)
