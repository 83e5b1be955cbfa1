"""`cml vectors`: does another implementation answer the test vectors right?"""

import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from cml.profile import Level, Spelling
from cml.terminal.options import json_option, seconds
from cml.terminal.output import print_text
from cml.vectors.asking import ImplementationError, ask_program, ask_server, is_server
from cml.vectors.runner import Question
from interpreter.vectors.levels import level_of
from interpreter.vectors.questions import CATEGORIES, run_questions_in_tokens
from model_adapters.conformance.baseline import against_baseline, unknown_entries
from model_adapters.conformance.check import CheckResult
from model_adapters.conformance.checks import is_within, named
from model_adapters.conformance.circumstances import in_options, runtime_circumstances
from model_adapters.conformance.options import (
    baseline_option,
    level_option,
    list_option,
    only_option,
    reports_option,
    tell,
)
from model_adapters.conformance.report import ConformanceReport

_HIGHEST: Final = Level.EXTENDED


@click.command("vectors", context_settings={"ignore_unknown_options": True})
@click.argument("command", metavar="COMMAND...", nargs=-1)
@level_option
@reports_option
@only_option
@baseline_option
@click.option(
    "--markers",
    type=click.Choice([spelling.value for spelling in Spelling]),
    default=Spelling.TEXT.value,
    show_default=True,
    help="text asks each vector as it is; token asks the runs alone, those of text as stories of reserved tokens.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=seconds,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long COMMAND may take for all: 0.001 to 1,000,000 seconds.",
)
@list_option
@json_option
def vectors_command(
    command: tuple[str, ...],
    *,
    level: str,
    reports: tuple[Path, ...],
    only: tuple[str, ...],
    baseline: frozenset[str],
    markers: str,
    timeout_s: float,
    is_list: bool,
    as_json: bool,
) -> None:
    """Hold another implementation to the test vectors.

    COMMAND reads one request a line and writes one answer a line, or is the URL of a server that takes
    each as a POST; spec/vectors/README.md says how. The id of a vector is its category and its name.

    Exit status: 0 nothing is answered wrong that the baseline does not expect, 1 something is, 2 usage.
    """
    spelling = Spelling(markers)
    known = _known(spelling)
    asked = _chosen(known, Level(level), only, spelling)
    if is_list:
        for name, question in asked.items():
            print_text(f"{name}: {question.about}")
        return
    if not command:
        raise click.UsageError("Missing argument 'COMMAND...'.")
    if command[0].startswith("-"):
        raise click.NoSuchOption(command[0])
    about = runtime_circumstances(shlex.join(command), Level(level), spelling)
    begun_s = time.monotonic()
    wrong = _wrong(command, asked, timeout_s)
    took_s = round(time.monotonic() - begun_s, 3)
    options = in_options(spelling)
    results = (_result(name, asked[name], wrong.get(name), options, command) for name in asked)
    # An entry is unknown that no profile has: one baseline serves them all.
    every = known if spelling is Spelling.TEXT or not baseline else _known(Spelling.TEXT)
    judged = (
        *unknown_entries(baseline, every),
        *(against_baseline(result, baseline) for result in results),
    )
    tell(ConformanceReport(about, judged, took_s), reports, in_json=as_json)


def _known(markers: Spelling) -> dict[str, Question]:
    """Return all that can be asked where markers are spelled like this."""
    if markers is Spelling.TOKEN:
        return run_questions_in_tokens()
    return {name: question for ask in CATEGORIES.values() for name, question in ask().items()}


def _chosen(
    known: Mapping[str, Question], highest: Level, only: Sequence[str], markers: Spelling
) -> dict[str, Question]:
    """Return the questions of a level that words name.

    Raises:
        BadParameter: A word names none.
    """
    of_level = {
        name: question
        for name, question in known.items()
        if highest is _HIGHEST or is_within(level_of(question), highest)
    }
    try:
        return {name: of_level[name] for name in named(of_level, only, highest)}
    except LookupError as error:
        told = f"{error.args[0]}{in_options(markers)}; --list shows all"
        raise click.BadParameter(told, param_hint="'--only'") from None


def _wrong(
    command: Sequence[str], asked: Mapping[str, Question], timeout_s: float
) -> dict[str, list[str]]:
    """Ask; return what is wrong with the answers, by id."""
    first, *more = command
    if is_server(first) and more:
        raise click.UsageError(f"{first} is the URL of a server: nothing may follow it.")
    try:
        if is_server(first):
            return ask_server(first, asked, timeout_s)
        return ask_program(command, asked, timeout_s)
    except ImplementationError as error:
        raise click.ClickException(str(error)) from None


def _result(
    name: str,
    question: Question,
    wrong: Sequence[str] | None,
    options: str,
    command: Sequence[str],
) -> CheckResult:
    return CheckResult(
        name,
        question.about,
        question.rules,
        "fail" if wrong else "pass",
        "\n  ".join(wrong or ()),
        repeat=f"cml vectors{options} --only {name} {shlex.join(command)}",
    )
