"""`cml evaluate`: how well a model speaks CML."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, get_args

import click
from msgspec.structs import replace

from cml.terminal.files import OUTPUT_FILE, writing
from cml.terminal.options import json_option, yes_option
from cml.terminal.output import print_json, print_text
from interpreter.errors import HostError
from interpreter.schedule.data.bfcl import BfclError
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from interpreter.tools.declared import Tool, tool
from interpreter.tools.signature import Function
from model_adapters.backends import BackendSessions, Opened, Request, require_backend
from model_adapters.commands.options import device_option, given_options
from model_adapters.commands.telling import telling
from model_adapters.commands.workload import bfcl_wheel
from model_adapters.constraint.guarded import guarded
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import Dialogue, draw_dialogues
from model_adapters.training.evaluation.bfcl import Category, is_accepted, read_questions
from model_adapters.training.evaluation.playing import CALLINGS, Calling, play_blind, play_with
from model_adapters.training.evaluation.report import Played, report_html, report_markdown
from model_adapters.training.evaluation.scoring import context_of, score
from model_adapters.training.evaluation.shares import Share
from model_adapters.training.recipe.spelling import words

_MOST_TOKENS: Final = 300
_SMALL_TALK: Final = "small talk"


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
@click.option(
    "--bfcl",
    "categories",
    type=click.Choice(get_args(Category)),
    multiple=True,
    help="Questions of the Berkeley leaderboard beside; may be given several times.",
)
@click.option("--progress", is_flag=True, help="Let each call report once that it is half done.")
@click.option("--no-mask", is_flag=True, help="Let the model write what it likes.")
@click.option("--seed", default=1, show_default=True, help="Seed of the dialogues.")
@click.option("--report", type=OUTPUT_FILE, help="Where to write the report: .md or .html.")
@device_option
@yes_option
@json_option
def evaluate_command(
    backend: str,
    *,
    dialogues: int,
    callings: tuple[Calling, ...],
    categories: tuple[Category, ...],
    progress: bool,
    no_mask: bool,
    seed: int,
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
    asked = Request(
        backend, "", {}, max_tokens=_MOST_TOKENS, device=device, yes=yes, masked=not no_mask
    )
    sessions = BackendSessions()
    with telling("BACKEND"), _no_data():
        require_backend(backend, given_options() & {"device"})
        drawn = _dialogues(seed, dialogues, progress=progress)
        played = _played(sessions, asked, drawn, callings)
        shares: dict[str, Share] = {
            one: _bfcl(sessions, asked, one, dialogues) for one in categories
        }
    model = sessions.model
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
def _no_data() -> Iterator[None]:
    try:
        yield
    except BfclError as error:
        raise click.ClickException(str(error)) from None


def _played(
    sessions: BackendSessions,
    asked: Request,
    dialogues: Iterable[Dialogue],
    callings: Sequence[Calling],
) -> list[Played]:
    """Let the model play dialogues in each way, and tell now and then how it goes."""
    played: list[Played] = []
    for number, dialogue in enumerate(dialogues, start=1):
        for calling in callings:
            if calling == "sync" and dialogue.story.messages:
                continue  # no time passes while a call runs, so what is said would come too late
            with _session(sessions, _request(asked, dialogue)) as opened:
                played.append(_play(opened, dialogue, calling))
        if number % 10 == 0:
            right = sum(each.score.fully_right for each in played)
            print_text(f"{number} dialogues, {right} of {len(played)} fully right", err=True)
    return played


def _dialogues(seed: int, count: int, *, progress: bool) -> Iterator[Dialogue]:
    """Return dialogues of the held-out half, each of another box; small talk proves nothing."""
    share = 1.0 if progress else 0.0
    drawn = draw_dialogues(seed, scene_of("test"), words, per_box=1, progress=share)
    return islice((each for each in drawn if each.shape != _SMALL_TALK), count)


@contextmanager
def _session(sessions: BackendSessions, request: Request) -> Iterator[Opened]:
    """Open one more session, and close it: some engines have room for one at a time."""
    opened = sessions.open(request)
    try:
        yield opened
    finally:
        opened.session.close()


def _request(asked: Request, dialogue: Dialogue) -> Request:
    functions = {each.name: function_of(each) for each in dialogue.tools}
    return replace(asked, prompt=dialogue.story.question, functions=functions)


def _bfcl(sessions: BackendSessions, asked: Request, category: Category, count: int) -> Share:
    """Return how many questions of a category were answered with accepted calls."""
    questions = read_questions(bfcl_wheel(yes=asked.yes), category)[:count]
    good = 0
    for number, question in enumerate(questions, start=1):
        functions = {each.name: function_of(each) for each in question.tools}
        request = replace(asked, prompt=question.question, functions=functions)
        with _session(sessions, request) as opened:
            rows = play_blind(opened.session, opened.fitted(Settings()), DecodingCosts())
        good += is_accepted(question, rows)
        if number % 10 == 0:
            print_text(f"{category}: {number} questions, {good} accepted", err=True)
    return Share(good, len(questions))


def function_of(described: Tool) -> Function:
    """Return a function that is described so; the virtual clock calls none."""
    declared = tool(
        name=described.name,
        description=described.description,
        parameters=described.parameters,
        result=described.result,
        estimate_s=described.estimate_us and described.estimate_us / 1e6,
    )
    return declared(partial(_never))


def _never(**_: object) -> Mapping[str, object]:
    raise HostError("Embed/start", "a function was called under the virtual clock")


def _play(opened: Opened, dialogue: Dialogue, calling: Calling) -> Played:
    settings = opened.fitted(dialogue.settings)
    costs = DecodingCosts(token_us=dialogue.costs.token_us)
    played = play_with(opened.session, dialogue.story, settings, costs, calling)
    return Played(
        dialogue.story,
        calling,
        score(dialogue.story, played.rows),
        played.makespan_us,
        guarded(opened.session),
        context_of(played.rows, settings.profile),
    )
