"""First turns of the leaderboard's talks: accepted by what the calls leave, not by how they are written."""

import json
import zipfile
from pathlib import Path

import pytest
from extras import from_extra

from interpreter.schedule.data.bfcl import BfclError
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from model_adapters.commands.workload import BFCL_WHEEL
from model_adapters.embedded.wheels import is_wheel_cached, wheel_path
from model_adapters.training.evaluation.bfcl_turns import (
    BfclTurn,
    is_turn_done,
    read_first_turns,
)


@pytest.fixture(scope="module")
def turns() -> dict[str, BfclTurn]:
    from_extra("bfcl", "mpmath")
    if not is_wheel_cached(BFCL_WHEEL):
        pytest.skip("the wheel of bfcl-eval is not in the cache")
    return {turn.scenario.id: turn for turn in read_first_turns(wheel_path(BFCL_WHEEL))}


def done(turn: BfclTurn, *bodies: str) -> bool:
    calls = [f"[CALL] job{n} [HEAD] {body} [END]\n" for n, body in enumerate(bodies)]
    session = ScriptedSession(pieces_of("".join(calls) + "[TRAP] all [END]\nDone."))
    return is_turn_done(session, turn, Settings(), DecodingCosts())


def test_the_ground_truth_does_every_turn(turns: dict[str, BfclTurn]) -> None:
    assert len(turns) == 200
    assert not [name for name, turn in turns.items() if not done(turn, *turn.calls)]


def test_tools_are_those_of_the_backends_without_what_is_excluded(
    turns: dict[str, BfclTurn],
) -> None:
    names = {tool.name for tool in turns["multi_turn_base_0"].tools}
    assert {"mv", "mkdir", "post_tweet"} <= names
    assert "cp" not in names
    assert "Move 'final_report.pdf'" in turns["multi_turn_base_0"].question


MOVED = (
    'cd(folder="document")',
    'mkdir(dir_name="temp")',
    'mv(source="final_report.pdf", destination="temp")',
)


@pytest.mark.parametrize(
    ("bodies", "is_done"),
    [
        (MOVED, True),
        ((*MOVED, "pwd()"), True),  # what changes nothing may be asked besides
        (MOVED[:2], False),
        ((MOVED[1], MOVED[0], MOVED[2]), False),
        ((*MOVED, 'mkdir(dir_name="other")'), False),
        ((*MOVED[:2], 'mv(source="previous_report.pdf", destination="temp")'), False),
        (
            (*MOVED, 'cp(source="a", destination="b")'),
            True,
        ),  # is not offered, so nothing comes of it
        ((*MOVED, "_load_scenario(scenario={})"), True),
        ((), False),
    ],
)
def test_what_the_calls_leave_counts(
    turns: dict[str, BfclTurn], bodies: tuple[str, ...], *, is_done: bool
) -> None:
    assert done(turns["multi_turn_base_0"], *bodies) is is_done


def test_what_was_not_read_is_not_told_by_a_state_that_is_right(turns: dict[str, BfclTurn]) -> None:
    assert turns["multi_turn_base_1"].calls == ("ls(a=True)",)
    assert done(turns["multi_turn_base_1"], "ls(a=True)")
    assert not done(turns["multi_turn_base_1"], "pwd()")


def test_a_wheel_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(BfclError, match="cannot be read"):
        read_first_turns(tmp_path / "nothing.whl")
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("a", json.dumps({}))
    with pytest.raises(BfclError, match="cannot be read"):
        read_first_turns(tmp_path / "other.whl")
