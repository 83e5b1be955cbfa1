"""`cml timeline`: a trace as a page in one file, or as a picture."""

from pathlib import Path

import click

from cml.terminal.files import INPUT_FILE, OUTPUT_FILE, writing
from cml.terminal.output import print_text
from cml.wording import counted
from interpreter.errors import MissingExtraError
from interpreter.page.document import page_file
from interpreter.page.shown import page_parts, read_shown, say_if_cut, title_of
from interpreter.schedule.charts.draw import TIMELINE_SUFFIXES, DrawingError, draw
from interpreter.schedule.commands.options import check_suffix
from interpreter.schedule.narration.timelines import recorded_timelines


@click.command("timeline")
@click.argument("trace", type=INPUT_FILE)
@click.option(
    "-o",
    "--output",
    required=True,
    type=OUTPUT_FILE,
    help="FILE.html, FILE.svg, FILE.png, or FILE.perfetto.json for ui.perfetto.dev.",
)
def timeline_command(trace: str, *, output: Path) -> None:
    """Draw the run of TRACE over time: what the model wrote, what ran, what waited.

    Exit status: 0 good, 1 the trace is at fault, 2 usage.
    """
    check_suffix(output, TIMELINE_SUFFIXES, "--output")
    shown = read_shown(trace)
    say_if_cut(trace, shown)
    try:
        with writing(output):
            if output.suffix == ".html":
                output.write_text(page_file(title_of(shown), page_parts([shown])), encoding="utf-8")
            else:
                draw(output, recorded_timelines(shown.run, title_of(shown)))
    except DrawingError as error:
        raise click.UsageError(str(error)) from None
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from None
    print_text(f"{counted(len(shown.run.calls), 'call')} drawn to {output}", err=True)
