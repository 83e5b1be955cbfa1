"""A trace in a file: written while the session runs, given up when the disk is full; or written on in."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from cml.terminal.files import cannot_write, require_readable, writing
from cml.terminal.foreign import visible
from cml.terminal.output import print_text
from cml.wording import counted
from interpreter.drivers.driver import Journal, forget
from interpreter.events import Row
from interpreter.journals import Past, abandon, is_under_way, own, reopened
from interpreter.trace import Header, TraceError, journal

if TYPE_CHECKING:
    from io import FileIO


class NewFile:
    """Writes rows to a new trace (`Recording`).

    A disk that fills up costs the trace, and not the session. The trace says so, so that nobody resumes it.

    Args:
        path: Where to; None for nowhere.
        stack: Closes the file.
        overwrite: Whether the trace of a session that is not over is written over.

    Raises:
        FileFaultError: It cannot be read.
        HostError: Another process writes it (Embed/resume), whether it is to be written over or not.
        click.ClickException: It is the trace of a session that is not over, and is to be kept.
    """

    past: Past | None = None

    def __init__(self, path: Path | None, stack: ExitStack, *, overwrite: bool = False) -> None:
        self._path = path
        self._overwrite = overwrite
        self._stack = stack
        self.failed = False
        self._write: Journal = forget
        self._warn: Callable[[str], object] = partial(print_text, err=True)
        if path is not None and path.is_file():  # told before a model is loaded
            with writing(path), path.open("rb") as before:
                own(before)
                self._require_over(path, before)

    @property
    def written_to(self) -> str | None:
        """Where the whole trace is."""
        return None if self.failed or self._path is None else str(self._path)

    def begin(self, header: Header, warn: Callable[[str], object]) -> None:
        """Open the file and write the first line.

        Args:
            header: That line.
            warn: Tells, while the session runs, that it goes on without its trace.

        Raises:
            FileFaultError: It cannot be written.
            HostError: Another process writes it (Embed/resume).
            click.ClickException: By now it is the trace of a session that is not over, and is to be kept.
        """
        self._warn = warn
        if self._path is not None:
            with writing(self._path):
                # Unbuffered: rows are with the system when they are written, and a write that
                # failed is not tried again when the file is closed. Emptied only when it is ours.
                file: FileIO = self._stack.enter_context(self._path.open("ab", buffering=0))
                own(file)
                if self._path.is_file():
                    with self._path.open("rb") as before:
                        self._require_over(self._path, before)
                    file.truncate(0)
                self._write = journal(file, header)

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of an instant."""
        try:
            self._write(rows)
        except OSError as error:
            self._write, self.failed = forget, True
            if self._path is not None and self._path.is_file():
                abandon(self._path)
            fault = cannot_write(self._path or "", error)
            self._warn(f"Error: {fault.message}; the session goes on without a trace")

    def _require_over(self, path: Path, file: BinaryIO) -> None:
        """Keep a journal that somebody may go on with from being written over, unless that is asked for.

        Raises:
            click.ClickException: The file is one.
        """
        if not self._overwrite and is_under_way(file):
            name = visible(str(path))
            message = f"the session of this trace is not over; cml resume {name} goes on with it"
            raise click.ClickException(f"{name}: {message}, --overwrite begins anew")


class ResumedFile:
    """Writes further rows to the trace of a session that is not over (`Recording`), and says what of it is
    dropped.

    Args:
        path: The trace.
        stack: Closes the file.

    Raises:
        FileFaultError: It cannot be read or written.
        click.ClickException: A line is at fault.
        HostError: Another process writes it (Embed/resume).
    """

    failed = False

    def __init__(self, path: Path, stack: ExitStack) -> None:
        require_readable(path)
        try:
            with writing(path):
                again = stack.enter_context(reopened(path))
        except TraceError as error:
            raise click.ClickException(f"{visible(str(path))}: {error}") from None
        if again.dropped_bytes:
            cut = counted(again.dropped_bytes, "byte")
            message = f"the last line was cut off after {cut}, and is dropped"
            print_text(f"{path}: {message}", err=True)
        self._path, self._write = path, again.write
        self.past = again.past
        self.written_to = str(path)

    def begin(self, header: Header, warn: Callable[[str], object]) -> None:
        """Leave the first line as it is."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of an instant.

        Raises:
            FileFaultError: They cannot be written.
        """
        with writing(self._path):
            self._write(rows)
