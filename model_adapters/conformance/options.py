"""Options of the commands that put something to the test: what is asked, and what is told of it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from cml.profile import Level
from cml.terminal.files import INPUT_FILE, OUTPUT_FILE, read_text, writing
from cml.terminal.output import print_text
from model_adapters.commands.telling import telling
from model_adapters.conformance.baseline import read_baseline
from model_adapters.conformance.report import (
    WRITERS,
    ConformanceReport,
    as_json,
    as_text,
    require_junit,
)


def _writable(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Find out before any work whether a report can be written in the form that its name asks for."""
    for path in paths:
        if path.suffix not in WRITERS:
            raise click.BadParameter(f"{path.name} ends in none of these: {', '.join(WRITERS)}")
        if path.suffix == ".xml":
            with telling():
                require_junit()
    return paths


def _entries(_: click.Context, __: click.Parameter, path: str | None) -> frozenset[str]:
    return frozenset() if path is None else read_baseline(read_text(path))


level_option: Final = click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.EXTENDED.value,
    show_default=True,
    help="How much of the language is claimed.",
)
only_option: Final = click.option(
    "--only", multiple=True, metavar="ID", help="Run this check alone, or those whose ids begin so."
)
reports_option: Final = click.option(
    "--report",
    "reports",
    multiple=True,
    type=OUTPUT_FILE,
    callback=_writable,
    metavar="FILE",
    help="Write a report: .json, .xml (JUnit), .html, or .svg, a badge; may be repeated.",
)
baseline_option: Final = click.option(
    "--baseline",
    type=INPUT_FILE,
    callback=_entries,
    help="Ids of checks that are expected to fail, one a line.",
)
list_option: Final = click.option(
    "--list", "is_list", is_flag=True, help="List the checks, and run none."
)


def tell(report: ConformanceReport, files: Sequence[Path], *, in_json: bool) -> None:
    """Write a report to files and to standard output, and end with its status.

    Args:
        report: The report.
        files: Each is written in the form that its name ends in.
        in_json: Whether standard output is JSON.
    """
    for path in files:
        with writing(path):
            path.write_text(WRITERS[path.suffix](report), encoding="utf-8")
    if in_json:
        click.echo(as_json(report), nl=False)
    else:
        print_text(as_text(report))
    sys.exit(0 if report.is_good else 1)
