"""What is kept of an evaluation: all that was added, whatever was torn off, and of this trial only."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model_adapters.constraint.guarded import Guarded
from model_adapters.training.evaluation.keeping import KeptFileError, Trial, keeping
from model_adapters.training.evaluation.report import Played
from model_adapters.training.evaluation.scoring import Score

TRIAL = Trial("llamacpp", 1, progress=False, masked=True)
SCORE = Score(*([True] * 8), None, False, None, True, None, None)
PLAYS = [
    Played(f"1/{n}/0", "one", "Où? 東\n", n, "sync", SCORE, 5, Guarded(3, 2, 1), "x\n")
    for n in range(4)
]


def add_all(path: Path, plays: list[Played], trial: Trial = TRIAL) -> list[Played]:
    with keeping(path, trial) as (before, add):
        assert [add(play) for play in plays] == plays
    return before


def test_what_was_added_is_there_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    assert add_all(path, PLAYS[:1]) == []
    assert add_all(path, PLAYS[1:]) == PLAYS[:1]
    assert add_all(path, []) == PLAYS


@given(st.data())
def test_a_line_that_was_torn_off_is_played_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("kept") / "kept.jsonl"
    add_all(path, PLAYS)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    left = add_all(path, [])
    assert left == PLAYS[: max(0, content[:cut].count(b"\n") - 1)]
    add_all(path, PLAYS[len(left) :])
    assert add_all(path, []) == PLAYS


@pytest.mark.parametrize("other", [replace(TRIAL, seed=2), replace(TRIAL, masked=False)])
def test_plays_of_another_trial_are_refused_and_left_alone(tmp_path: Path, other: Trial) -> None:
    path = tmp_path / "kept.jsonl"
    add_all(path, PLAYS)
    before = path.read_bytes()
    with pytest.raises(KeptFileError, match="it holds plays of"):
        add_all(path, PLAYS, other)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["no JSON\n", "{}\n", "[1]\n{}\n"])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text(content)
    with pytest.raises(KeptFileError, match="no plays"):
        add_all(path, PLAYS)
    assert path.read_text() == content


def test_without_a_file_nothing_is_kept() -> None:
    with keeping(None, TRIAL) as (before, add):
        assert before == []
        assert add(PLAYS[0]) == PLAYS[0]
