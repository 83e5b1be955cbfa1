"""Accepted answers of the leaderboard: by its rules, in any order, and nothing else."""

import json
import zipfile
from pathlib import Path

import pytest

from interpreter.events import Row, Start
from interpreter.schedule.data.bfcl import BfclError
from model_adapters.prompt import Message
from model_adapters.training.evaluation.bfcl import BfclQuestion, is_accepted, read_questions

QUESTION = {
    "id": "q",
    "question": [[{"role": "user", "content": "Two songs."}]],
    "function": [
        {
            "name": "music.play",
            "description": "Play.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "artist": {"type": "string", "description": "Who."},
                    "minutes": {"type": "float"},
                    "tags": {"type": "tuple", "items": {"type": "string"}},
                    "extra": {"type": "any"},
                },
                "required": ["artist"],
            },
        }
    ],
}
TRUTH = {
    "id": "q",
    "ground_truth": [
        {"music.play": {"artist": ["Taylor Swift"], "minutes": [20], "tags": [["a b"], ""]}},
        {"music.play": {"artist": ["AC/DC", "ACDC"], "minutes": [15.0, ""]}},
    ],
}
FIRST = {"artist": "taylor swift", "minutes": 20, "tags": ["A B"]}
SECOND = {"artist": "AC DC"}


@pytest.fixture
def question(tmp_path: Path) -> BfclQuestion:
    [read] = read_back(tmp_path, QUESTION)
    return read


def read_back(folder: Path, asked: dict[str, object]) -> tuple[BfclQuestion, ...]:
    wheel = folder / "bfcl.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("bfcl_eval/data/BFCL_v4_parallel.json", json.dumps(asked))
        archive.writestr("bfcl_eval/data/possible_answer/BFCL_v4_parallel.json", json.dumps(TRUTH))
    return read_questions(wheel, "parallel")


def rows(*calls: dict[str, object]) -> list[Row]:
    return [
        Row(n, "Settle/start", None, (Start(f"job{n}", "music.play", (), call),))
        for n, call in enumerate(calls)
    ]


def test_schemas_become_json_schemas(question: BfclQuestion) -> None:
    [tool] = question.tools
    assert tool.parameters["type"] == "object"
    assert tool.parameters["properties"] == {
        "artist": {"type": "string", "description": "Who."},
        "minutes": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "extra": {},
    }


def test_calls_are_accepted_in_any_order_without_case_and_marks(question: BfclQuestion) -> None:
    assert is_accepted(question, rows(FIRST, SECOND))
    assert is_accepted(question, rows(SECOND, {**FIRST, "minutes": 20.0}))
    assert is_accepted(question, rows({"artist": "Taylor-Swift", "minutes": 20}, SECOND))


@pytest.mark.parametrize(
    "calls",
    [
        (FIRST,),
        (FIRST, SECOND, SECOND),
        (FIRST, FIRST),
        ({**FIRST, "minutes": 21}, SECOND),
        ({**FIRST, "minutes": True}, SECOND),
        ({**FIRST, "other": 1}, SECOND),
        ({"artist": "Taylor Swift"}, SECOND),
        ({**FIRST, "tags": []}, SECOND),
        (FIRST, {"artist": "AC DC", "tags": ["a b"]}),
    ],
)
def test_other_calls_are_not(question: BfclQuestion, calls: tuple[dict[str, object], ...]) -> None:
    assert not is_accepted(question, rows(*calls))


def test_what_was_said_before_the_question_is_the_chat(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be brief."}
    turn = [system, {"role": "user", "content": "Two songs."}]
    [found] = read_back(tmp_path, {**QUESTION, "question": [turn]})
    assert found.question == "Two songs."
    assert found.chat == (Message("system", "Be brief."),)
    assert read_back(tmp_path, {**QUESTION, "question": [turn, turn]}) == ()


def test_a_wheel_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(BfclError, match="parallel cannot be read"):
        read_questions(tmp_path / "nothing.whl", "parallel")
