"""What a command asks of a trace, wherever that is."""

from collections.abc import Callable, Sequence
from typing import Protocol

import click

from cml.terminal.foreign import visible
from interpreter.events import Row
from interpreter.journals import Past
from interpreter.trace import Header


class Recording(Protocol):
    """The trace of one session while a command runs it."""

    @property
    def past(self) -> Past | None:
        """What the session is to go on from; None where it begins."""

    @property
    def failed(self) -> bool:
        """Whether the trace could not be written to its end, and the session went on without it."""

    @property
    def written_to(self) -> str | None:
        """Where the whole trace is, in words; None for nowhere."""

    def begin(self, header: Header, warn: Callable[[str], object]) -> None:
        """Write the first line, if the session begins.

        Args:
            header: That line.
            warn: Tells, while the session runs, that it goes on without its trace.

        Raises:
            FileFaultError: It cannot be written.
            click.ClickException: There is a session of this name.
        """

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of an instant, before their effects are performed: the journal of a driver."""


def session_over(written_to: str) -> click.ClickException:
    """Return the error for a session that is to go on and is over.

    Args:
        written_to: Where its trace is.
    """
    message = "the session is over; there is nothing to go on with"
    return click.ClickException(f"{visible(written_to)}: {message}")
