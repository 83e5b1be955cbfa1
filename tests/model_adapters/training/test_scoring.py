"""Scores: the ideal model gets all of them, and each fault costs the one that it is about."""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from trying import tries

from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from interpreter.tools.declared import Tool
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import Dialogue, draw_dialogues
from model_adapters.training.data.ideal import IdealSession
from model_adapters.training.data.stories import Earlier, Fate, Tale, Wish
from model_adapters.training.data.variety import WIDE
from model_adapters.training.evaluation.playing import CALLINGS, Calling, play_with
from model_adapters.training.evaluation.scoring import Score, score
from model_adapters.training.recipe.spelling import words

LINES = Settings(layout="lines", deadline_us=5_000_000)


def dialogues(seed: int, progress: float = 0.0) -> Iterator[Dialogue]:
    variety = replace(WIDE, progress=progress)
    return draw_dialogues(seed, scene_of("test", variety), words, per_box=1)


@tries(40)
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
    assert found.order_kept in {True, None}
    assert found.recovered in {True, None}


@tries(20)
@example(2157)  # a "45" is owed, and a "23:45" told before it
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


def scored(text: str, story: Tale = STORY) -> Score:
    session = ScriptedSession(pieces_of(text))
    return score(story, play_with(session, story, LINES, DecodingCosts(), "async").rows)


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


SENTENCES = replace(
    STORY,
    wishes=tuple(
        replace(wish, result=f"The {wish.subject} is {wish.result}.", value=str(wish.result))
        for wish in STORY.wishes
    ),
)


def test_a_result_that_is_a_sentence_may_be_told_in_other_words_like_any_other() -> None:
    assert scored(OSLO + LIMA + TRAPS + TOLD, SENTENCES).fully_right
    word_by_word = "\n".join(str(wish.result) for wish in SENTENCES.wishes)
    assert scored(OSLO + LIMA + TRAPS + word_by_word, SENTENCES).fully_right
    assert not scored(OSLO + LIMA + TRAPS + TOLD.replace("snow", "rain"), SENTENCES).told


TABLE = Tale(
    "deed",
    (
        Tool(
            "book",
            "",
            {
                "type": "object",
                "properties": {
                    "place": {"type": "string"},
                    "guests": {"type": "number"},
                    "limit": {"type": "integer", "default": 10},
                    "late": {"type": "boolean", "default": False},
                },
                "required": ["place", "guests"],
            },
        ),
    ),
    "A table for 4 at St. Olaf.",
    (Wish("book", {"place": "St. Olaf", "guests": 4}, "table at St. Olaf", "C7", 100_000),),
)


@pytest.mark.parametrize(
    ("arguments", "is_right"),
    [
        ('place="St. Olaf", guests=4', True),
        ('place="St. Olaf", guests=4.0', True),
        ('place="st olaf", guests=4', True),
        ('place="St. Olaf", guests=4, limit=10', True),
        ('place="St. Olaf", guests=4, limit=10.0, late=False', True),
        ('place="St. Olaf", guests=4, limit=9', False),
        ('place="St. Olaf", guests=4, late=0', False),
        ('place="St. Olav", guests=4', False),
        ('place="St. Olaf", guests=5', False),
        ('place="St. Olaf"', False),
    ],
)
def test_arguments_are_right_that_the_leaderboard_would_accept(
    arguments: str, is_right: bool
) -> None:
    text = f"[CALL] job1 [HEAD] book({arguments}) [END]\n{TRAPS}The table at St. Olaf is C7."
    assert scored(text, TABLE).right_calls is is_right


def test_a_default_that_is_asked_for_may_be_given_or_left_out() -> None:
    [wish] = TABLE.wishes
    story = replace(TABLE, wishes=(replace(wish, arguments={**wish.arguments, "limit": 10}),))
    for limit, is_right in ((", limit=10", True), ("", True), (", limit=9", False)):
        text = f'[CALL] job1 [HEAD] book(place="St. Olaf", guests=4{limit}) [END]\n{TRAPS}'
        assert scored(text, story).right_calls is is_right


def test_of_two_things_that_the_leaderboard_takes_for_one_each_is_called() -> None:
    names = ("a_b", "ab")
    wishes = (Wish("open", {"file": name}, f"file {name}", name, 100_000) for name in names)
    story = Tale("two", (), "Open a_b and ab.", tuple(wishes))
    text = "".join(
        f'[CALL] job{number} [HEAD] open(file="{name}") [END]\n'
        for number, name in enumerate(reversed(names), start=1)
    )
    assert scored(text + TRAPS, story).right_calls


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


# --------------------------------------------------------------------------- chains and failures


def shaped(shape: str, fate: str = "returns") -> Dialogue:
    """Return a dialogue of a shape, with a call of a fate where one is asked for."""
    return next(
        each
        for each in dialogues(3)
        if each.shape == shape and any(wish.fate == fate for wish in each.story.wishes)
    )


@pytest.mark.parametrize("shape", ["future", "chain"])
@pytest.mark.parametrize("calling", CALLINGS)
def test_the_ideal_model_waits_for_the_results_that_a_call_takes(
    shape: str, calling: Calling
) -> None:
    story = shaped(shape).story
    rows = play_with(IdealSession(story, words), story, LINES, DecodingCosts(), calling).rows
    assert score(story, rows).order_kept is True


@pytest.mark.parametrize("fate", ["fails", "busy", "expires"])
def test_the_ideal_model_recovers(fate: str) -> None:
    story = shaped("failure", fate).story
    rows = play_with(IdealSession(story, words), story, LINES, DecodingCosts(), "async").rows
    assert score(story, rows).recovered is True


CHAIN = Tale(
    "chain",
    (),
    "Send the weather in Oslo to Ann.",
    (
        Wish("weather", {"city": "Oslo"}, "weather in Oslo", "snow", 100_000),
        Wish("send", {"text": Earlier(0, "", waits=True)}, "message to Ann", "sent", 100_000),
    ),
)
SEND = '[CALL] job2 [HEAD] send(text="snow") [END]\n'
GUESSED = '[CALL] job2 [HEAD] send(text="sun") [END]\n'
FUTURE = "[CALL] job2 [HEAD] send(text=job1) [END]\n"


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        (OSLO + TRAPS + SEND + TRAPS, True),
        (OSLO + FUTURE + TRAPS, True),
        (OSLO + TRAPS + GUESSED + TRAPS, True),  # it misread: that is a matter of the arguments
        (OSLO + SEND + TRAPS, False),
        (OSLO + GUESSED + TRAPS, False),
        (GUESSED + TRAPS, False),
        (OSLO + TRAPS, None),
        (LIMA, None),
    ],
)
def test_a_call_that_takes_a_result_waits_for_it(text: str, is_kept: bool | None) -> None:
    assert scored(text, CHAIN).order_kept is is_kept


def failing(fate: Fate) -> Tale:
    fault = "the service is busy, try again"
    wish = Wish("weather", {"city": "Oslo"}, "weather in Oslo", "snow", 100_000, fate, fault)
    return Tale("failure", (), "The weather in Oslo?", (wish,))


AGAIN = OSLO.replace("job1", "job2")
SNOW = "In Oslo snow."
FAULT = "Oslo: the service is busy, try again."
LATE = "The weather in Oslo did not come before its deadline."


@pytest.mark.parametrize(
    ("fate", "text", "is_recovered"),
    [
        ("busy", OSLO + TRAPS + AGAIN + TRAPS + SNOW, True),
        ("busy", OSLO + TRAPS + FAULT, False),
        ("busy", OSLO + TRAPS + AGAIN + TRAPS, False),
        ("fails", OSLO + TRAPS + FAULT, True),
        ("fails", OSLO + TRAPS + SNOW, False),
        ("fails", OSLO + TRAPS + AGAIN + TRAPS + FAULT, False),
        ("expires", OSLO + TRAPS + LATE, True),
        ("expires", OSLO + TRAPS + SNOW, False),
        ("expires", LIMA, None),
        ("returns", OSLO + TRAPS + SNOW, None),
    ],
)
def test_a_failure_is_made_good_or_told(fate: Fate, text: str, is_recovered: bool | None) -> None:
    assert scored(text, failing(fate)).recovered is is_recovered
