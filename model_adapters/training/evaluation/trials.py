"""What a model of any backend is tried by: dialogues and questions, each in a session of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Final

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
from model_adapters.training.evaluation.bfcl import BfclQuestion, is_accepted
from model_adapters.training.evaluation.playing import Calling, play_blind, play_with
from model_adapters.training.evaluation.report import Played
from model_adapters.training.evaluation.scoring import context_of, score
from model_adapters.training.recipe.spelling import words

_MOST_TOKENS: Final = 300
_SMALL_TALK: Final = "small talk"


def trial_request(backend: str, *, device: str | None, yes: bool, masked: bool) -> Request:
    """Return what a backend is asked for in every trial, but for the question and the tools.

    Args:
        backend: As on the command line.
        device: Where the model runs; None for what there is.
        yes: Whether a person agreed beforehand to downloads.
        masked: Whether a model that can be masked is.
    """
    return Request(backend, "", {}, max_tokens=_MOST_TOKENS, device=device, yes=yes, masked=masked)


def held_out_dialogues(seed: int, count: int, *, progress: bool = False) -> Iterator[Dialogue]:
    """Return dialogues of the held-out half, each of another box; small talk proves nothing.

    Args:
        seed: Of chance.
        count: How many.
        progress: Whether each call reports once that it is half done.
    """
    share = 1.0 if progress else 0.0
    drawn = draw_dialogues(seed, scene_of("test"), words, per_box=1, progress=share)
    return islice((each for each in drawn if each.shape != _SMALL_TALK), count)


def play_dialogues(
    sessions: BackendSessions,
    asked: Request,
    dialogues: Iterable[Dialogue],
    callings: Sequence[Calling],
) -> Iterator[Played]:
    """Let a model play each dialogue in each way that it can be played in; yield each as soon as it is over.

    Args:
        sessions: Opens them.
        asked: What is asked of the backend in all of them.
        dialogues: Which.
        callings: How results come.

    Raises:
        AdapterError: The backend cannot be had, or does not take what is asked for.
        HostError: A session broke its contract.
    """
    for dialogue in dialogues:
        for calling in callings:
            if calling == "sync" and dialogue.story.messages:
                continue  # no time passes while a call runs, so what is said would come too late
            request = _about(asked, dialogue.story.question, dialogue.tools)
            with _session(sessions, request) as opened:
                played = _play(opened, dialogue, calling)
            yield played


def answer_questions(
    sessions: BackendSessions, asked: Request, questions: Iterable[BfclQuestion]
) -> Iterator[bool]:
    """Let a model answer each question; yield whether its calls are accepted.

    Args:
        sessions: Opens them.
        asked: What is asked of the backend in all of them.
        questions: Which.

    Raises:
        AdapterError: The backend cannot be had, or does not take what is asked for.
        HostError: A session broke its contract.
    """
    for question in questions:
        with _session(sessions, _about(asked, question.question, question.tools)) as opened:
            rows = play_blind(opened.session, opened.fitted(Settings()), DecodingCosts())
        yield is_accepted(question, rows)


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
        dialogue.story,
        calling,
        score(dialogue.story, played.rows),
        played.makespan_us,
        guarded(opened.session),
        context_of(played.rows, settings.profile),
    )


def _never(**_: object) -> Mapping[str, object]:
    raise HostError("Embed/start", "a function was called under the virtual clock")
