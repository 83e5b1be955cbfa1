"""What a model of any backend is tried by: dialogues and questions, each in a session of its own."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Final, TypeAlias

from msgspec.structs import replace

from interpreter.errors import HostError
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from interpreter.tools.declared import Tool, tool
from interpreter.tools.signature import Function
from model_adapters.backends import BackendSessions, Opened, Request
from model_adapters.constraint.guarded import guarded
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import Dialogue, draw_dialogues
from model_adapters.training.data.variety import WIDE
from model_adapters.training.evaluation.bfcl import BfclQuestion, is_accepted
from model_adapters.training.evaluation.bfcl_turns import BfclTurn, is_turn_done
from model_adapters.training.evaluation.playing import Calling, play_blind, play_with
from model_adapters.training.evaluation.report import Played, PlayKey
from model_adapters.training.evaluation.scoring import context_of, score
from model_adapters.training.evaluation.together import done_together
from model_adapters.training.recipe.spelling import words

_MOST_TOKENS: Final = 300
_SMALL_TALK: Final = "small talk"


BerkeleyQuestion: TypeAlias = BfclQuestion | BfclTurn
"""One question of the Berkeley leaderboard."""


def trial_request(
    backend: str, *, device: str | None, yes: bool, masked: bool, at_once: int = 1
) -> Request:
    """Return what a backend is asked for in every trial, but for the question and the tools.

    Args:
        backend: As on the command line.
        device: Where the model runs; None for what there is.
        yes: Whether a person agreed beforehand to downloads.
        masked: Whether a model that can be masked is.
        at_once: How many trials there are at a time.
    """
    return Request(
        backend,
        "",
        {},
        max_tokens=_MOST_TOKENS,
        device=device,
        yes=yes,
        masked=masked,
        sessions=at_once,
    )


def held_out_dialogues(seed: int, count: int, *, progress: bool = False) -> Iterator[Dialogue]:
    """Return dialogues of the held-out half, each of another box; small talk proves nothing.

    Args:
        seed: Of chance.
        count: How many.
        progress: Whether each call reports once that it is half done.
    """
    variety = replace(WIDE, progress=1.0 if progress else 0.0)
    drawn = draw_dialogues(seed, scene_of("test", variety), words, per_box=1)
    return islice((each for each in drawn if each.shape != _SMALL_TALK), count)


def play_dialogues(
    sessions: BackendSessions,
    asked: Request,
    dialogues: Iterable[Dialogue],
    callings: Sequence[Calling],
    kept: Collection[PlayKey] = (),
) -> Iterator[Played]:
    """Let a model play each dialogue in each way that it can be played in, as many at a time as is asked for.

    Args:
        sessions: Opens them.
        asked: What is asked of the backend in all of them.
        dialogues: Which.
        callings: How results come.
        kept: What was played before, and is not played again.

    Raises:
        AdapterError: The backend cannot be had, or does not take what is asked for.
        HostError: A session broke its contract.
    """

    def play(dialogue: Dialogue) -> list[Played]:
        request = _about(asked, dialogue.story.question, dialogue.tools)
        played: list[Played] = []
        for calling in callings:
            if calling == "sync" and dialogue.story.messages:
                continue  # no time passes while a call runs, so what is said would come too late
            if (dialogue.id, calling) not in kept:
                with _session(sessions, request) as opened:
                    played.append(_play(opened, dialogue, calling))
        return played

    for played in done_together(play, dialogues, asked.sessions):
        yield from played


def answer_questions(
    sessions: BackendSessions, asked: Request, questions: Iterable[BerkeleyQuestion]
) -> Iterator[bool]:
    """Let a model answer each question; yield whether it called what the leaderboard accepts.

    Args:
        sessions: Opens them.
        asked: What is asked of the backend in all of them.
        questions: Which.

    Raises:
        AdapterError: The backend cannot be had, or does not take what is asked for.
        HostError: A session broke its contract.
    """

    def answer(question: BerkeleyQuestion) -> bool:
        request = _about(asked, question.question, question.tools)
        with _session(sessions, replace(request, chat=question.chat)) as opened:
            settings, costs = opened.fitted(Settings()), DecodingCosts()
            match question:
                case BfclQuestion():
                    return is_accepted(question, play_blind(opened.session, settings, costs))
                case BfclTurn():
                    return is_turn_done(opened.session, question, settings, costs)

    return done_together(answer, questions, asked.sessions)


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


def _about(asked: Request, question: str, tools: Iterable[Tool]) -> Request:
    functions = {each.name: function_of(each) for each in tools}
    return replace(asked, prompt=question, functions=functions)


@contextmanager
def _session(sessions: BackendSessions, request: Request) -> Iterator[Opened]:
    """Open one more session, and close it: some engines have room for one at a time."""
    opened = sessions.open(request)
    try:
        yield opened
    finally:
        opened.session.close()


def _play(opened: Opened, dialogue: Dialogue, calling: Calling) -> Played:
    settings = opened.fitted(dialogue.settings)
    costs = DecodingCosts(token_us=dialogue.costs.token_us)
    played = play_with(opened.session, dialogue.story, settings, costs, calling)
    return Played(
        dialogue.id,
        dialogue.shape,
        dialogue.story.question,
        len(dialogue.story.wishes),
        calling,
        score(dialogue.story, played.rows),
        played.makespan_us,
        guarded(opened.session),
        context_of(played.rows, settings.profile),
    )


def _never(**_: object) -> Mapping[str, object]:
    raise HostError("Embed/start", "a function was called under the virtual clock")
