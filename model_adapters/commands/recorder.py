"""The trace of a session on the command line: written while it runs, given up when the disk is full."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cml.terminal.files import cannot_write, writing
from cml.terminal.output import print_text
from interpreter.drivers.driver import Journal, forget
from interpreter.events import Row
from interpreter.journals import abandon, own
from interpreter.trace import Header, journal

if TYPE_CHECKING:
    from io import FileIO


class Recorder:
    """Writes rows to a trace before their effects are performed, as a journal of a `Runtime`.

    A disk that fills up costs the trace, and not the session. The trace says so, so that nobody resumes it.

    Args:
        path: Where to; None for nowhere.
        stack: Closes the file.

    Attributes:
        failed: Whether the trace could not be written to its end.

    Raises:
        FileFaultError: The file cannot be written.
        HostError: Another process writes it (Embed/resume).
    """

    def __init__(self, path: Path | None, stack: ExitStack) -> None:
        self._path = path
        self.failed = False
        self._file: FileIO | None = None
        self._write: Journal = forget
        if path is not None:
            with writing(path):
                # Unbuffered: rows are with the system when they are written, and a write that
                # failed is not tried again when the file is closed. Emptied only when it is ours.
                self._file = stack.enter_context(path.open("ab", buffering=0))
                own(self._file)
                if path.is_file():
                    self._file.truncate(0)

    @property
    def written_to(self) -> Path | None:
        """Where the whole trace is."""
        return None if self.failed else self._path

    def begin(self, header: Header) -> None:
        """Write the first line.

        Raises:
            FileFaultError: It cannot be written.
        """
        if self._file is not None and self._path is not None:
            with writing(self._path):
                self._write = journal(self._file, header)

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of an instant."""
        try:
            self._write(rows)
        except OSError as error:
            self._write, self.failed = forget, True
            if self._path is not None and self._path.is_file():
                abandon(self._path)
            fault = cannot_write(self._path or "", error)
            print_text(f"Error: {fault.message}; the session goes on without a trace", err=True)
