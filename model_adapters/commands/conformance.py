"""`cml conformance`: does a backend do asynchronous calls right?"""

import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from cml.profile import Level, Spelling
from cml.terminal.options import json_option, seconds, seed_option, yes_option
from cml.terminal.output import print_text
from cml.terminal.styled import console
from model_adapters.backends import BackendSessions
from model_adapters.commands.options import device_option, markers_option
from model_adapters.commands.telling import telling
from model_adapters.conformance.baseline import against_baseline, unknown_entries
from model_adapters.conformance.behaviour import Behaviour, observe
from model_adapters.conformance.check import Check, CheckResult
from model_adapters.conformance.checks import all_checks, chosen
from model_adapters.conformance.circumstances import Circumstances, circumstances, in_options
from model_adapters.conformance.options import (
    baseline_option,
    level_option,
    list_option,
    only_option,
    reports_option,
    tell,
)
from model_adapters.conformance.report import ConformanceReport
from model_adapters.conformance.running import run_checks
from model_adapters.conformance.subject import Subject, open_sessions, request_of
from model_adapters.opening import Request
from model_adapters.training.commands.questions_option import (
    QuestionSet,
    questions_of,
    questions_option,
)
from model_adapters.training.evaluation.trials import BerkeleyQuestion, trial_request


@click.command("conformance")
@click.argument("backend", required=False)
@level_option
@reports_option
@only_option
@baseline_option
@click.option(
    "--timeout",
    "limit_s",
    type=seconds,
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one check may take; to open, the backend has five times as long.",
)
@click.option(
    "--behaviour",
    "dialogues",
    type=click.IntRange(min=1),
    metavar="N",
    help="Let the model play so many dialogues freely besides, and tell how it behaves.",
)
@questions_option
@list_option
@markers_option
@seed_option
@device_option
@yes_option
@json_option
def conformance_command(
    backend: str | None,
    *,
    level: str,
    reports: tuple[Path, ...],
    only: tuple[str, ...],
    baseline: frozenset[str],
    limit_s: float,
    dialogues: int | None,
    categories: tuple[QuestionSet, ...],
    is_list: bool,
    markers: str,
    seed: int,
    device: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Check whether BACKEND does asynchronous calls right, with the model forced along scripts.

    How the model behaves when nothing forces it is another matter: --behaviour tells it in shares,
    and nothing of it fails.

    Exit status: 0 nothing failed that the baseline does not expect, 1 something did, 2 usage.
    """
    try:
        checks = chosen(Level(level), only)
    except LookupError as error:
        told = f"{error.args[0]}; --list shows all"
        raise click.BadParameter(told, param_hint="'--only'") from None
    if is_list:
        for check in checks:
            print_text(f"{check.id}: {check.does}")
        return
    if backend is None:
        raise click.UsageError("Missing argument 'BACKEND'.")
    _require_free(dialogues, categories, Spelling(markers))
    request = request_of(backend, device=device, yes=yes, seed=seed, markers=Spelling(markers))
    with telling("BACKEND"):
        questions = questions_of(categories, dialogues or 0, yes=yes)
        sessions = open_sessions(request, limit_s)
    about = circumstances(request, sessions.model, Level(level))
    begun_s = time.monotonic()
    found = run_checks(
        checks,
        Subject(sessions.session, request),
        limit_s=limit_s,
        given_up=sessions.forget,
        repeat=lambda check: _alone(check, about, device),
    )
    results = (
        *unknown_entries(baseline, {check.id for check in all_checks()}),
        *_shown(found, len(checks), baseline),
    )
    took_s = round(time.monotonic() - begun_s, 3)
    behaviour = None
    if dialogues:
        sessions.forget()  # what a test bench loads has less room, and the memory is needed
        asked = trial_request(backend, device=device, yes=yes, masked=False)
        behaviour = _observed(asked, seed, dialogues, questions, limit_s)
    tell(ConformanceReport(about, results, took_s, behaviour), reports, in_json=as_json)


def _require_free(dialogues: int | None, categories: Sequence[str], markers: Spelling) -> None:
    """See that what is asked of a free model can be asked of it.

    Raises:
        UsageError: It cannot.
    """
    if categories and not dialogues:
        raise click.UsageError("--bfcl asks the model of --behaviour N; give that too")
    if dialogues and markers is Spelling.TOKEN:
        raise click.UsageError(
            "--behaviour needs a model that speaks CML, and none does whose markers are tokens; "
            "leave out --markers token"
        )


def _shown(
    results: Iterator[CheckResult], total: int, expected: frozenset[str]
) -> Iterator[CheckResult]:
    """Yield each result as the baseline has it, and show how far it is."""
    with _progress(total) as advance:
        for found in results:
            result = against_baseline(found, expected)
            is_bad = result.ending in {"fail", "error"}
            advance(result.id, f"{result.ending}: {result.id}" if is_bad else "")
            yield result


def _observed(
    asked: Request,
    seed: int,
    dialogues: int,
    questions: Mapping[str, Sequence[BerkeleyQuestion]],
    limit_s: float,
) -> Behaviour:
    with _progress(dialogues + sum(map(len, questions.values()))) as advance:
        return observe(
            BackendSessions(),
            asked,
            seed=seed,
            dialogues=dialogues,
            questions=questions,
            limit_s=limit_s,
            advance=lambda: advance("behaviour", ""),
        )


def _alone(check: Check, about: Circumstances, device: str | None) -> str:
    seed = f" --seed {about.seed}" if about.seed else ""
    where = f" --device {device}" if device else ""
    options = f"{in_options(about.markers)}{seed}{where}"
    return f"cml conformance {shlex.quote(about.backend)}{options} --only {check.id}"


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str, str], None]]:
    """Show on a terminal how far it is; what is done is told with what went wrong in it, if anything."""
    out = console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as shown:
        task = shown.add_task("", total=total)

        def advance(done: str, wrong: str) -> None:
            if out.is_terminal and wrong:
                shown.print(wrong)
            shown.update(task, advance=1, description=done)

        yield advance
