"""Questions of the Berkeley Function Calling Leaderboard, and its own rules for accepted answers.

A question has a list of calls; each argument has a list of values that are accepted, where an empty
text says that it may be left out. Calls may come in any order. Texts are compared without case,
spaces and most marks; a whole number may stand where a fraction is expected.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from cml.profile import Body
from interpreter.events import Row, Start
from interpreter.schedule.data.bfcl import BfclError
from interpreter.tools.declared import Tool
from interpreter.tools.names import spelled_tools
from model_adapters.prompt import Message
from model_adapters.training.evaluation.bfcl_schemas import BfclFunction, described

if TYPE_CHECKING:
    from cml.ast import Json
else:  # the reader of the data takes any JSON value here
    Json = object

Category: TypeAlias = Literal[
    "simple_python", "parallel", "parallel_multiple", "live_parallel", "live_parallel_multiple"
]
"""Categories with accepted calls; first turns of longer talks are in `bfcl_turns`."""
Accepted: TypeAlias = dict[str, dict[str, list[Json]]]
"""One call: the name of its function, with the accepted values of each argument."""

_FOLDER: Final = "bfcl_eval/data"
_IGNORED: Final = re.compile(r"[ ,./\-_*^]")


class BfclQuestion(msgspec.Struct, frozen=True):
    """A question.

    Args:
        id: Its identifier in the data.
        question: What a person asks.
        tools: What may be called, with the names that bodies write.
        accepted: The calls that are to be made, in any order.
        chat: What was said before: of some, what the system wants.
    """

    id: str
    question: str
    tools: tuple[Tool, ...]
    accepted: tuple[Accepted, ...]
    chat: tuple[Message, ...] = ()


class _Asked(msgspec.Struct):
    id: str
    question: list[list[Message]]
    function: list[BfclFunction]


class _Answer(msgspec.Struct):
    id: str
    ground_truth: list[Accepted]


def read_questions(wheel: Path, category: Category) -> tuple[BfclQuestion, ...]:
    """Read the questions of a category.

    Args:
        wheel: The wheel of bfcl-eval.
        category: Which.

    Raises:
        BfclError: The wheel cannot be read or holds no such category.
    """
    name = f"BFCL_v4_{category}.json"
    try:
        with zipfile.ZipFile(wheel) as archive:
            asked = archive.read(f"{_FOLDER}/{name}").splitlines()
            answers = archive.read(f"{_FOLDER}/possible_answer/{name}").splitlines()
        truths = {
            answer.id: answer.ground_truth
            for line in answers
            for answer in [msgspec.json.decode(line, type=_Answer)]
        }
        questions = [msgspec.json.decode(line, type=_Asked) for line in asked]
    except (OSError, KeyError, zipfile.BadZipFile, msgspec.DecodeError) as error:
        raise BfclError(f"{wheel}: {category} cannot be read: {error}") from None
    return tuple(_read(one, truths[one.id]) for one in questions if _is_one_turn(one))


def is_accepted(question: BfclQuestion, rows: Sequence[Row]) -> bool:
    """Whether the calls of a run are those that are accepted, each once, in any order."""
    starts = [effect for row in rows for effect in row.effects if isinstance(effect, Start)]
    if len(starts) != len(question.accepted):
        return False
    left = list(starts)
    for wanted in question.accepted:
        found = next((start for start in left if _accepts(wanted, start)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _is_one_turn(asked: _Asked) -> bool:
    return len(asked.question) == 1 and asked.question[0][-1].role == "user"


def _read(asked: _Asked, truth: list[Accepted]) -> BfclQuestion:
    own = [described(function) for function in asked.function]
    tools = spelled_tools(own, Body.PYTHON)
    names = {mine.name: spelled.name for mine, spelled in zip(own, tools, strict=True)}
    accepted = tuple({names[name]: values for name, values in call.items()} for call in truth)
    *before, last = asked.question[0]
    return BfclQuestion(asked.id, last.content, tools, accepted, tuple(before))


def _accepts(wanted: Accepted, start: Start) -> bool:
    [(function, arguments)] = wanted.items()
    if start.function != function or start.args or start.kwargs.keys() - arguments.keys():
        return False
    return all(
        any(is_same(start.kwargs[name], value) for value in values)
        if name in start.kwargs
        else "" in values
        for name, values in arguments.items()
    )


def is_same(given: Json, accepted: Json) -> bool:
    """Whether the leaderboard takes a value for an accepted one."""
    match given, accepted:
        case str(), str():
            return _plain(given) == _plain(accepted)
        case bool(), _:
            return given is accepted
        case list(), list():
            pairs = zip(given, accepted, strict=False)
            return len(given) == len(accepted) and all(is_same(one, two) for one, two in pairs)
        case dict(), dict():
            return not given.keys() - accepted.keys() and all(
                _is_among(given, name, values) for name, values in accepted.items()
            )
        case _:
            return given == accepted and not isinstance(accepted, bool)


def _is_among(given: Mapping[str, Json], name: str, values: Json) -> bool:
    """Whether a key of an object has one of its accepted values, or may be left out."""
    choices = values if isinstance(values, list) else [values]
    if name not in given:
        return "" in choices
    return any(is_same(given[name], value) for value in choices)


def _plain(text: str) -> str:
    return _IGNORED.sub("", text).lower().replace("'", '"')
