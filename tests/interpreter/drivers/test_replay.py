"""A recording that is played again gives its rows, or says what is wrong with it."""

import pytest

from cml.ast import OutcomeKind
from interpreter import HostError
from interpreter.drivers.replay import replay
from interpreter.events import Began, Outcome, Returned, Row
from interpreter.state import Settings
from interpreter.vectors.runs import RunRequest, ScriptedToken, TimedOutcome, run, run_vectors

VECTORS = run_vectors()


@pytest.mark.parametrize("name", VECTORS)
def test_every_story_replays_to_its_rows(name: str) -> None:
    vector = VECTORS[name]
    assert tuple(replay(vector.settings, vector.rows)) == vector.rows


def test_what_comes_back_in_the_moment_of_the_start_comes_back_whole() -> None:
    reports = [TimedOutcome(0, Outcome(OutcomeKind.PROGRESS, number)) for number in (1, 2)]
    over = TimedOutcome(0, Outcome(OutcomeKind.RETURNED, 3))
    script = (ScriptedToken("[CALL] a [HEAD] f() [END][TRAP][END]"),)
    rows = run(RunRequest("at-once", script, functions={"f": ((*reports, over),)})).rows
    assert [row.at_us for row in rows if isinstance(row.event, Returned)] == [5_000] * 3
    assert tuple(replay(Settings(), rows)) == rows


def test_an_answer_before_its_call_is_told() -> None:
    vector = VECTORS["runs/travel"]
    begun, *rows = vector.rows
    call = next(row.event.call for row in rows if isinstance(row.event, Returned))
    early = Row(0, "Step/return", Returned(call, Outcome(OutcomeKind.RETURNED, 1)))
    with pytest.raises(HostError, match=r"answers at 0 µs what is asked for at .*Embed/time"):
        list(replay(vector.settings, [begun, early, *rows]))


def test_times_that_go_back_are_told() -> None:
    rows = [Row(5, "Step/begin", Began()), Row(3, "Step/begin", Began())]
    with pytest.raises(HostError, match=r"3 µs follows one of 5 µs.*Embed/time"):
        list(replay(Settings(), rows))
