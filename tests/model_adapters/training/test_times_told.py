"""What counts as told: a value stands there whole, not as a part of another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_adapters.training.evaluation.telling import times_told

NUMBERS = st.from_regex(r"-?[0-9]{1,4}([.,:][0-9]{1,3})?", fullmatch=True)
DIGITS = st.integers(0, 999).map(str)
MARKS = st.sampled_from(["", ".", ",", ":"])


@given(
    NUMBERS,
    st.sampled_from(["", " ", "(", "room ", "€", "A"]),
    st.sampled_from(["", ".", " km", ", ", "%", ":"]),
)
def test_a_number_that_stands_alone_is_told(number: str, before: str, after: str) -> None:
    assert times_told(f"{before}{number}{after}", [number], []) == 1


@given(NUMBERS, DIGITS, MARKS)
def test_a_number_inside_another_is_not_told(number: str, more: str, mark: str) -> None:
    assert times_told(f"It is {number}{mark}{more}.", [number], []) == 0
    assert times_told(f"It is {more}{mark}{number.strip('-')}.", [number.strip("-")], []) == 0
    assert times_told(f"It is -{number}.", [number], []) == 0


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("It leaves at 23:45.", "45"),
        ("It leaves at 23:45.", "23"),
        ("It costs 1,450.", "450"),
        ("It costs 145.", "45"),
        ("It costs 45.5 euros.", "45"),
        ("It is -45 degrees.", "45"),
        ("In room 451.", "room 45"),
        ("Gate A45.1.", "A45"),
    ],
)
def test_a_value_is_not_told_by_one_that_goes_on(text: str, part: str) -> None:
    assert times_told(text, [part], []) == 0


@pytest.mark.parametrize(
    "text", ["45", "It is 45.", "45, then 46.", "at 23:45 it was 45", "(45)", "45km"]
)
def test_a_value_is_told_beside_others(text: str) -> None:
    assert times_told(text, ["45"], []) == 1


def test_a_thing_is_named_whole_too() -> None:
    assert times_told("Room 12 is free.", ["free"], ["Room 1"]) == 0
    assert times_told("Room 1 is free.", ["free"], ["Room 1"]) == 1
