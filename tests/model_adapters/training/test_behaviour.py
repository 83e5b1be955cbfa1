"""Behaviour towards running calls: each bad habit is seen, and what is only like it is not."""

import pytest

from cml.ast import OutcomeKind
from interpreter.drivers.virtual import TimedOutcomes, run_virtual
from interpreter.events import Outcome, Row, Said, Start, failure
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from model_adapters.training.evaluation.behaviour import (
    BackgroundCall,
    background_calls,
    has_progress,
    is_told_after_answer,
    is_told_once,
    owed_results,
    progress_taken,
    repeated_calls,
)

OSLO = '[CALL] job1 [HEAD] weather(city="Oslo") [END]\n'
AGAIN = '[CALL] job2 [HEAD] weather(city="Oslo") [END]\n'
LIMA = '[CALL] job2 [HEAD] time(city="Lima") [END]\n'
WAIT = "[TRAP] all [END]\n"
TOLD_OSLO = "The weather in Oslo is snow.\n"
TOLD_LIMA = "In Lima it is 10:30.\n"

RESULTS: dict[str, TimedOutcomes] = {
    "weather": [
        (200_000, Outcome(OutcomeKind.PROGRESS, "half done")),
        (400_000, Outcome(OutcomeKind.RETURNED, "The weather in Oslo is snow.")),
    ],
    "time": [(50_000, Outcome(OutcomeKind.RETURNED, "10:30"))],
}
LINES = Settings(layout="lines")


def rows_of(text: str, said_us: int | None = None, *, fails: bool = False) -> list[Row]:
    def functions(start: Start) -> TimedOutcomes:
        return [(300_000, failure("Error", "no service"))] if fails else RESULTS[start.function]

    said = [] if said_us is None else [(said_us, Said("And the time in Lima?"))]
    session = ScriptedSession(pieces_of(text))
    return [*run_virtual(session, functions, LINES, DecodingCosts(token_us=1_000), said)]


def jobs(calls: list[BackgroundCall]) -> list[str]:
    return [call.start.call for call in calls]


def test_a_call_is_known_by_what_went_in() -> None:
    [call] = background_calls(rows_of(OSLO + WAIT + TOLD_OSLO))
    assert call.things == ["Oslo"]
    assert call.progress == (Outcome(OutcomeKind.PROGRESS, "half done"),)
    assert call.outcome == Outcome(OutcomeKind.RETURNED, "The weather in Oslo is snow.")
    assert call.started < call.told


def test_a_call_of_which_nothing_went_in_has_no_outcome() -> None:
    rows = rows_of(OSLO)
    started = [any(isinstance(effect, Start) for effect in row.effects) for row in rows]
    [call] = background_calls(rows[: started.index(True) + 1])
    assert call.outcome is None


# --------------------------------------------------------------------------------- repeated calls


def test_a_call_that_is_made_again_while_it_runs_is_repeated() -> None:
    assert jobs(repeated_calls(rows_of(OSLO + AGAIN + WAIT + TOLD_OSLO))) == ["job2"]


@pytest.mark.parametrize(
    "text",
    [
        OSLO + WAIT + AGAIN + WAIT,  # a second time, when the first was told
        OSLO + AGAIN.replace("Oslo", "Rome") + WAIT,
        OSLO + LIMA + WAIT,
    ],
)
def test_other_calls_are_not_repeated(text: str) -> None:
    assert not repeated_calls(rows_of(text))


# ---------------------------------------------------------------------------------- owed results


def asked_in_between(answer: str) -> tuple[list[Row], list[BackgroundCall]]:
    rows = rows_of(OSLO + "[TRAP][END]\n" + LIMA + WAIT + answer, said_us=100_000)
    return rows, owed_results(rows)


def test_what_comes_after_a_person_spoke_is_owed() -> None:
    rows, owed = asked_in_between(TOLD_LIMA + TOLD_OSLO)
    assert jobs(owed) == ["job1"]
    assert is_told_once(rows, owed[0])
    assert is_told_after_answer(rows, owed[0])


def test_nothing_is_owed_where_nobody_spoke_or_all_had_come() -> None:
    assert not owed_results(rows_of(OSLO + WAIT + TOLD_OSLO))
    assert not owed_results(rows_of(OSLO + WAIT + TOLD_OSLO * 90, said_us=500_000))


@pytest.mark.parametrize("answer", [TOLD_LIMA, TOLD_OSLO * 2, TOLD_OSLO.strip() + " " + TOLD_OSLO])
def test_what_is_never_told_or_twice_is_not_told_once(answer: str) -> None:
    rows, [owed] = asked_in_between(answer)
    assert not is_told_once(rows, owed)


def test_what_is_told_before_the_answer_that_is_there_is_told_too_early() -> None:
    rows, [owed] = asked_in_between(TOLD_OSLO + TOLD_LIMA)
    assert is_told_once(rows, owed)
    assert is_told_after_answer(rows, owed) is False


def test_without_an_answer_there_is_no_order() -> None:
    rows, [owed] = asked_in_between(TOLD_OSLO)
    assert is_told_after_answer(rows, owed) is None
    rows, [owed] = asked_in_between(TOLD_LIMA)
    assert is_told_after_answer(rows, owed) is None


def test_a_failure_is_owed_too() -> None:
    text = OSLO + "[TRAP][END]\n" + WAIT + "Oslo: no service.\n"
    rows = rows_of(text, said_us=100_000, fails=True)
    [owed] = owed_results(rows)
    assert is_told_once(rows, owed)


# --------------------------------------------------------------------------------------- progress

WOKEN = "[TRAP][END]\n"  # progress wakes it


def test_progress_that_is_told_as_the_result_is_taken_for_it() -> None:
    rows = rows_of(OSLO + WOKEN + "The weather in Oslo is half done.\n" + WAIT + TOLD_OSLO)
    assert has_progress(rows)
    assert jobs(progress_taken(rows)) == ["job1"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "The weather in Oslo is still being looked up, half done.\n",
        "I will tell you of Oslo when it is there.\n",
        "My work is half done.\n",
    ],
)
def test_progress_that_is_told_as_progress_or_not_at_all_is_not(line: str) -> None:
    rows = rows_of(OSLO + WOKEN + line + WAIT + TOLD_OSLO)
    assert has_progress(rows)
    assert not progress_taken(rows)


def test_a_call_that_reports_nothing_has_no_progress() -> None:
    assert not has_progress(rows_of(LIMA + WAIT + TOLD_LIMA))
