"""Traces as the command line names them: opened, read in bounded memory, their faults in one wording."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cml.terminal.files import reading
from cml.terminal.output import print_text
from interpreter.events import Row
from interpreter.runs import Run
from interpreter.trace import Header, TraceError, bounded_lines, read_trace


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
        try:
            header, rows = read_trace(bounded_lines(file))
        except TraceError as error:
            raise _fault(path, error) from None
        yield header, _rows_of(path, rows)


def say_if_cut_short(path: str, run: Run) -> None:
    """Say on standard error that a run was not over, if it was not.

    Args:
        path: The name of its trace.
        run: The run.
    """
    if run.reason is None:
        message = "the session had not ended: what still ran counts as running to the last row"
        print_text(f"{path}: {message} (Trace/unfinished)", err=True)


def _rows_of(path: str | Path, rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except TraceError as error:
        raise _fault(path, error) from None


def _fault(path: str | Path, error: TraceError) -> click.ClickException:
    return click.ClickException(f"{path}: {error}")
