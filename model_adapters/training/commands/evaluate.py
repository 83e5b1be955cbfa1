"""`cml evaluate`: how well a model speaks CML."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from cml.terminal.files import OUTPUT_FILE, writing
from cml.terminal.options import json_option, yes_option
from cml.terminal.output import print_json, print_text
from model_adapters.backends import BackendSessions, require_backend
from model_adapters.commands.options import device_option, given_options
from model_adapters.commands.telling import telling
from model_adapters.training.commands.questions_option import (
    QuestionSet,
    questions_of,
    questions_option,
)
from model_adapters.training.evaluation.keeping import KeptFileError, Trial, keeping
from model_adapters.training.evaluation.playing import CALLINGS, Calling
from model_adapters.training.evaluation.report import Played, report_html, report_markdown
from model_adapters.training.evaluation.shares import share
from model_adapters.training.evaluation.trials import (
    answer_questions,
    held_out_dialogues,
    play_dialogues,
    trial_request,
)

Tried = TypeVar("Tried")


@click.command("evaluate")
@click.argument("backend")
@click.option(
    "--dialogues",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many, each with tools of its own.",
)
@click.option(
    "--calling",
    "callings",
    type=click.Choice(CALLINGS),
    multiple=True,
    default=CALLINGS[:1],
    show_default=True,
    help="How results come; may be given several times, to compare.",
)
@questions_option
@click.option("--progress", is_flag=True, help="Let each call report once that it is half done.")
@click.option("--no-mask", is_flag=True, help="Let the model write what it likes.")
@click.option("--seed", default=1, show_default=True, help="Seed of the dialogues.")
@click.option(
    "--at-once",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many are played at a time: engines decode them together.",
)
@click.option(
    "--keep",
    type=OUTPUT_FILE,
    help="Where to keep what was played; the same command goes on from there.",
)
@click.option("--report", type=OUTPUT_FILE, help="Where to write the report: .md or .html.")
@device_option
@yes_option
@json_option
def evaluate_command(
    backend: str,
    *,
    dialogues: int,
    callings: tuple[Calling, ...],
    categories: tuple[QuestionSet, ...],
    progress: bool,
    no_mask: bool,
    seed: int,
    at_once: int,
    keep: Path | None,
    report: Path | None,
    device: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Measure how well the model of BACKEND speaks CML.

    It plays dialogues of tools and names that no training data of `cml dataset` hold: which calls it
    makes, with which arguments, whether it tells each result, and none that it was not told; whether
    it calls again what still runs, tells what comes late, and takes progress for a result.
    """
    trial = Trial(backend, seed, progress, masked=not no_mask)
    asked = trial_request(backend, device=device, yes=yes, masked=trial.masked, at_once=at_once)
    sessions = BackendSessions()
    with telling("BACKEND"):
        require_backend(backend, given_options() & {"device"})
        questions = questions_of(categories, dialogues, yes=yes)
        drawn = [*held_out_dialogues(seed, dialogues, progress=progress)]
        with _kept(keep, trial) as (before, add):
            kept = {each.key: each for each in before}
            wanted = [(dialogue.id, calling) for dialogue in drawn for calling in callings]
            fresh = _counted(
                map(add, play_dialogues(sessions, asked, drawn, callings, kept)),
                "dialogues",
                "fully right",
                lambda each: each.score.fully_right,
            )
        played = [*(kept[key] for key in wanted if key in kept), *fresh]
        shares = {
            category: share(
                _counted(answer_questions(sessions, asked, asks), category, "accepted", bool)
            )
            for category, asks in questions.items()
        }
    model = sessions.model or backend
    markdown = report_markdown(model, played, shares)
    if report:
        text = report_html(model, played, shares) if report.suffix == ".html" else markdown
        with writing(report):
            report.write_text(text, encoding="utf-8")
    if as_json:
        print_json({"model": model, "played": played, "bfcl": shares})
    else:
        print_text(markdown)


@contextmanager
def _kept(
    path: Path | None, trial: Trial
) -> Iterator[tuple[list[Played], Callable[[Played], Played]]]:
    """Give what `keeping` gives, and what is wrong with the file in the words of all commands."""
    try:
        with writing(path or ""), keeping(path, trial) as found:
            yield found
    except KeptFileError as error:
        raise click.ClickException(f"{path}: {error}") from None


def _counted(
    trials: Iterable[Tried], what: str, well: str, is_good: Callable[[Tried], bool]
) -> list[Tried]:
    """Return all trials, and tell now and then how it goes."""
    found: list[Tried] = []
    for trial in trials:
        found.append(trial)
        if len(found) % 10 == 0:
            good = sum(map(is_good, found))
            print_text(f"{what}: {len(found)} played, {good} {well}", err=True)
    return found
