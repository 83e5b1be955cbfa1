"""`cml view`: traces on a page, without a model."""

from pathlib import Path

import click

from cml.terminal.files import INPUT_FILE, OUTPUT_FILE, writing
from cml.terminal.output import print_text
from cml.tools.wording import counted
from interpreter.page.document import page_file
from interpreter.page.shown import page_parts, read_shown, title_of
from interpreter.schedule.commands.options import check_suffix


@click.command("view")
@click.argument("traces", type=INPUT_FILE, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    type=OUTPUT_FILE,
    help="FILE.html: the page as one file, which fetches nothing.",
)
def view_command(traces: tuple[str, ...], *, output: Path) -> None:
    """Show TRACES on a page: the text, the calls over time, each row with its rule.

    Exit status: 0 good, 1 a trace is at fault, 2 usage.
    """
    check_suffix(output, (".html",), "--output")
    shown = [read_shown(trace) for trace in traces]
    with writing(output):
        output.write_text(page_file(title_of(shown[0]), page_parts(shown)), encoding="utf-8")
    print_text(f"{counted(len(shown), 'trace')} shown in {output}", err=True)
