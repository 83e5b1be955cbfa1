"""The file of a session whose process died, opened to write on in (Embed/resume)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.journals.past import Past, past_of
from interpreter.journals.whole_lines import WholeLines
from interpreter.state import Phase
from interpreter.trace import (
    ABANDONED,
    Flush,
    TraceError,
    journal,
    read_trace,
    with_checksum,
)


class Reopened(msgspec.Struct, frozen=True):
    """A trace that a session goes on from.

    Args:
        past: What it says.
        write: Writes further rows behind it: the journal of the driver that goes on.
        dropped_bytes: How long its last line was, if it was cut off in the middle: it is dropped, for
            no effect of its row had been performed. Else 0.
    """

    past: Past
    write: Callable[[Iterable[Row]], None]
    dropped_bytes: int


@contextmanager
def reopened(path: Path, *, flush: Flush = "system") -> Iterator[Reopened]:
    """Open the trace of a session whose process died, to go on from there.

    Args:
        path: A trace as `interpreter.trace.journal` writes it.
        flush: As there.

    Raises:
        TraceError: A line is at fault, other than that the last one is cut off.
        HostError: Another process has this trace open (Embed/resume).
        OSError: It cannot be read or written.
    """
    # Unbuffered: a write that failed is not tried again when the file is closed.
    with path.open("r+b", buffering=0) as file:
        own(file)
        with path.open("rb") as before:
            lines = WholeLines(before)
            past = past_of(*read_trace(lines))
        file.truncate(lines.bytes)
        file.seek(lines.bytes)
        write = journal(file, None, flush=flush, checksums=lines.are_checked)
        yield Reopened(past, write, lines.cut_bytes)


def is_under_way(file: BinaryIO) -> bool:
    """Whether a file is the trace of a session that is not over, and that can be gone on with.

    Args:
        file: Any file, read from its beginning.
    """
    try:
        past = past_of(*read_trace(WholeLines(file)))
    except TraceError:
        return False
    return past.state.phase is not Phase.ENDED


def abandon(path: Path) -> None:
    """Mark a trace that cannot be written any more, so that nobody goes on from it (Trace/abandoned).

    The mark takes the place of the last row: there is room for it on a full disk. Where even that fails,
    the trace is removed.

    Args:
        path: A trace, as far as it was written. Its session is about to go on without it.
    """
    try:
        with path.open("r+b") as file:
            lines = WholeLines(file)
            last = 0
            for line in lines:
                last = lines.bytes - len(line)
            file.truncate(last)
            if last:  # else nothing of the session is in it
                file.seek(last)
                file.write(with_checksum(ABANDONED) if lines.are_checked else ABANDONED)
    except (OSError, ValueError):  # of a disk, or of a line that was damaged meanwhile
        with suppress(OSError):
            path.unlink()


def own(file: BinaryIO | FileIO) -> None:
    """Keep every other process from going on from this trace, as long as this one lives.

    Where the system has no such locks it does nothing.

    Raises:
        HostError: Another process has it (Embed/resume).
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"{file.name}: another process writes this trace; a session has one driver"
        raise HostError("Embed/resume", message) from None
    except OSError:  # a file system without locks, or what is no file
        return
