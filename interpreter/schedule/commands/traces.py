"""`cml timeline` and `cml advise`: traces of real runs, drawn and explained."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cml.terminal.files import INPUT_FILE, OUTPUT_FILE, writing
from cml.terminal.options import json_option
from cml.terminal.output import print_json, print_text
from cml.tools.wording import counted
from interpreter.commands.trace_files import reading_trace
from interpreter.errors import HostError, MissingExtraError
from interpreter.events import Row
from interpreter.page.document import page_file
from interpreter.page.shown import page_parts, read_shown, title_of
from interpreter.runs import Run
from interpreter.schedule.advice.advice import advise
from interpreter.schedule.advice.observed import observe
from interpreter.schedule.charts.draw import TIMELINE_SUFFIXES, DrawingError, draw
from interpreter.schedule.commands.options import check_suffix
from interpreter.schedule.narration.timelines import recorded_timelines
from interpreter.trace import Header


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
    _say_if_cut_short(trace, shown.run)
    try:
        with writing(output):
            if output.suffix == ".html":
                page = page_file(title_of(shown), page_parts([shown]))
                output.write_text(page, encoding="utf-8")
            else:
                draw(output, recorded_timelines(shown.run, title_of(shown)))
    except DrawingError as error:
        raise click.UsageError(str(error)) from None
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from None
    print_text(f"{counted(len(shown.run.calls), 'call')} drawn to {output}", err=True)


@click.command("advise")
@click.argument("trace", type=INPUT_FILE)
@click.option("--workers", type=click.IntRange(min=0), help="Instead of what the trace says.")
@json_option
def advise_command(trace: str, *, workers: int | None, as_json: bool) -> None:
    """Say what limited the run of TRACE, and what would have made it faster.

    Exit status: 0 good, 1 the trace is at fault, 2 usage.
    """
    header, rows = _read(trace)
    with _of_a_session(trace):
        observation = observe(header.settings, rows)
    _say_if_cut_short(trace, observation.run)
    if not observation.calls:
        raise click.ClickException(f"{trace}: no call started in this run: nothing to advise on")
    advice = advise(observation, header.settings.workers if workers is None else workers)
    if as_json:
        print_json(advice)
        return
    for sentence in advice.sentences:
        print_text(sentence)


def _say_if_cut_short(trace: str, run: Run) -> None:
    if run.reason is None:
        message = "the session had not ended: what still ran counts as running to the last row"
        print_text(f"{trace}: {message} (Trace/unfinished)", err=True)


@contextmanager
def _of_a_session(trace: str) -> Iterator[None]:
    """Say which trace it is that no session can have left."""
    try:
        yield
    except HostError as error:
        message = f"{trace}: {error}; cml validate says in which row"
        raise click.ClickException(message) from None


def _read(path: str) -> tuple[Header, list[Row]]:
    with reading_trace(path) as (header, rows):
        return header, list(rows)
