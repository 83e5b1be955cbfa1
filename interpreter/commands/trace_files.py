"""Traces as the command line names them: opened, read in bounded memory, their faults in one wording."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cml.terminal.files import reading
from cml.terminal.output import print_text
from interpreter.events import Row
from interpreter.journals.whole_lines import WholeLines
from interpreter.runs import Run
from interpreter.trace import Header, TraceError, bounded_lines, read_trace


class BreakingOff:
    """Where a trace breaks off, once all its rows are read.

    Args:
        lines: Its lines.

    Attributes:
        is_abandoned: Whether its session went on without it (Trace/abandoned).
    """

    def __init__(self, lines: WholeLines) -> None:
        self._lines = lines
        self.is_abandoned = False

    @property
    def cut_bytes(self) -> int:
        """How long the last line is, if it is cut off; else 0."""
        return self._lines.cut_bytes

    def before(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows up to there.

        Raises:
            TraceError: A line is at fault, or others follow the one that says so.
        """
        try:
            yield from rows
        except TraceError as error:
            if error.rule != "Trace/abandoned" or any(True for _ in self._lines):
                raise
            self.is_abandoned = True


@contextmanager
def reading_trace(path: str | Path) -> Iterator[tuple[Header, Iterator[Row]]]:
    """Open a trace; give its header, and its rows as an iterator that reads on as it is asked.

    Args:
        path: Its name; `-` is standard input.

    Raises:
        FileFaultError: It cannot be read.
        click.ClickException: A line is at fault, now or when the rows are read.
    """
    with reading(path) as file:
        header, rows = _read(path, bounded_lines(file))
        yield header, _rows_of(path, rows)


@contextmanager
def reading_cut_trace(path: str | Path) -> Iterator[tuple[Header, Iterator[Row], BreakingOff]]:
    """Open a trace that may break off: a process that was killed leaves it with half a line, and a
    session that went on without it says so in its last one. That line is left out.

    Args:
        path: As for `reading_trace`.

    Raises:
        FileFaultError: As there.
        click.ClickException: As there.
    """
    with reading(path) as file:
        lines = WholeLines(file)
        header, rows = _read(path, lines)
        end = BreakingOff(lines)
        yield header, _rows_of(path, end.before(rows)), end


def say_if_cut_short(path: str, run: Run) -> None:
    """Say on standard error that a run was not over, if it was not.

    Args:
        path: The name of its trace.
        run: The run.
    """
    if run.reason is None:
        message = "the session had not ended: what still ran counts as running to the last row"
        print_text(f"{path}: {message} (Trace/unfinished)", err=True)


def _read(path: str | Path, lines: Iterable[bytes]) -> tuple[Header, Iterator[Row]]:
    try:
        return read_trace(lines)
    except TraceError as error:
        raise _fault(path, error) from None


def _rows_of(path: str | Path, rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except TraceError as error:
        raise _fault(path, error) from None


def _fault(path: str | Path, error: TraceError) -> click.ClickException:
    return click.ClickException(f"{path}: {error}")
