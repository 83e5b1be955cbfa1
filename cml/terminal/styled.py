"""Styled output: a console, and tables that stay readable on a narrow one."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


class _Console(Console):
    """A console that leaves it to the command line what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        """Raise the error that is being dealt with on."""
        raise  # noqa: PLE0704 - rich calls this where it caught the error


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints what it is given: no markup, no highlights, no emoji codes.

    Args:
        stderr: Print to standard error.
    """
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def print_table(out: Console, table: Table) -> None:
    """Print a table; where the console is too narrow for it, each row as a list of its cells.

    Nothing is cut off then: a number that lost its end would be another number.

    Args:
        out: Where to.
        table: What; its first row are the headers of its columns.
    """
    needed = Measurement.get(out, out.options.update(max_width=10_000), table).maximum
    if needed <= out.width:
        out.print(table)
        return
    if table.title:
        out.print(table.title)
    names = [_plain(column.header) for column in table.columns]
    beside = max(map(len, names), default=0)
    for row in zip(*(column.cells for column in table.columns), strict=True):
        out.print()
        for name, cell in zip(names, row, strict=True):
            out.print(Text.assemble((f"{name:<{beside}}  ", "dim"), _plain(cell)), soft_wrap=True)
    if table.caption:
        out.print()
        out.print(table.caption)


def _plain(cell: object) -> str:
    text = cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain
    return " ".join(text.splitlines())
