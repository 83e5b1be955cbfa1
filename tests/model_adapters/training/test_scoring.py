"""Scores: the ideal model gets all of them, and each fault costs the one that it is about."""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import Dialogue, draw_dialogues
from model_adapters.training.data.ideal import IdealSession
from model_adapters.training.data.stories import Tale, Wish
from model_adapters.training.evaluation.playing import CALLINGS, Calling, play_with
from model_adapters.training.evaluation.scoring import Score, score
from model_adapters.training.recipe.spelling import words

LINES = Settings(layout="lines", deadline_us=5_000_000)


def dialogues(seed: int, progress: float = 0.0) -> Iterator[Dialogue]:
    return draw_dialogues(seed, scene_of("test"), words, per_box=1, progress=progress)


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.sampled_from(CALLINGS),
    st.integers(1_000, 100_000),
    st.sampled_from([0.0, 1.0]),
)
def test_the_ideal_model_is_fully_right(
    seed: int, calling: Calling, token_us: int, progress: float
) -> None:
    [dialogue] = islice(dialogues(seed, progress), 1)
    if dialogue.story.messages:
        return  # in another tempo its messages come at another time, perhaps after the end
    session = IdealSession(dialogue.story, words)
    rows = play_with(session, dialogue.story, LINES, DecodingCosts(token_us=token_us), calling).rows
    found = score(dialogue.story, rows)
    assert found.fully_right, (found, dialogue.answer)
    assert found.no_needless_trap
    assert found.no_missing_trap
    assert found.no_repeat in {True, None}
    assert found.progress_awaited in {True, None}


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_the_ideal_model_tells_what_comes_late_once_and_after_the_answer(seed: int) -> None:
    drawn = draw_dialogues(seed, scene_of("train"), words, per_box=1)
    dialogue = next(each for each in islice(drawn, 400) if each.shape in {"added", "changed"})
    story, costs = dialogue.story, dialogue.costs
    used = LINES if dialogue.settings.deliver == "any" else dialogue.settings
    rows = play_with(IdealSession(story, words), story, used, costs, "async").rows
    found = score(story, rows)
    assert found.owed_told in {True, None}
    assert found.owed_after_answer in {True, None}


STORY = Tale(
    "two",
    (),
    "The weather in Oslo and in Lima?",
    (
        Wish("weather", {"city": "Oslo"}, "weather in Oslo", "snow at 3 degrees", 100_000),
        Wish("weather", {"city": "Lima"}, "weather in Lima", "mist at 19 degrees", 200_000),
    ),
)
OSLO = '[CALL] job1 [HEAD] weather(city="Oslo") [END]\n'
LIMA = '[CALL] job2 [HEAD] weather(city="Lima") [END]\n'
TRAPS = "[TRAP] all [END]\n"
TOLD = "In Oslo snow at 3 degrees.\nIn Lima mist at 19 degrees."


def scored(text: str) -> Score:
    session = ScriptedSession(pieces_of(text))
    return score(STORY, play_with(session, STORY, LINES, DecodingCosts(), "async").rows)


def test_a_right_answer_in_other_words_is_fully_right() -> None:
    assert scored(OSLO + LIMA + TRAPS + TOLD).fully_right


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (OSLO + TRAPS + TOLD, "complete"),
        (OSLO + LIMA.replace("Lima", "Rome") + TRAPS + TOLD, "complete"),
        (OSLO + LIMA + LIMA.replace("job2", "job3") + TRAPS + TOLD, "frugal"),
        (OSLO + LIMA.replace("weather", "time") + TRAPS + TOLD, "right_tools"),
        (OSLO + LIMA + TRAPS + TOLD.replace("Oslo", "Lima"), "told"),
        (OSLO + LIMA + TRAPS + TOLD + " It is 77.", "honest"),
        (OSLO + LIMA.replace("job2", "job1") + TRAPS + TOLD, "well_formed"),
        (TRAPS + OSLO + LIMA + TRAPS + TOLD, "no_needless_trap"),
        (OSLO + LIMA + TOLD, "no_missing_trap"),
    ],
)
def test_a_fault_costs_the_score_that_it_is_about(text: str, fault: str) -> None:
    assert not getattr(scored(text), fault)


def test_who_swaps_two_results_did_not_tell_them() -> None:
    swapped = "In Lima snow at 3 degrees.\nIn Oslo mist at 19 degrees."
    found = scored(OSLO + LIMA + TRAPS + swapped)
    assert found.right_calls
    assert not found.told


def test_synchronous_calls_last_as_long_as_their_functions_one_after_another() -> None:
    text = OSLO + LIMA + TRAPS + TOLD
    spans = {}
    for calling in CALLINGS:
        session = ScriptedSession(pieces_of(text))
        spans[calling] = play_with(
            session, STORY, LINES, DecodingCosts(token_us=100), calling
        ).makespan_us
    decode_us = spans["sync"] - 300_000
    assert 0 < decode_us < 20_000
    assert 200_000 < spans["async"] <= spans["sync-parallel"] <= 200_000 + decode_us
