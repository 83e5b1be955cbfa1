"""Shares and differences: their intervals hold what was found, and narrow with more of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_adapters.training.evaluation.shares import Difference, Share, difference, share

SHARES = st.integers(1, 500).flatmap(
    lambda of: st.builds(Share, st.integers(0, of), st.just(of)),
)
COUNTS = st.integers(0, 60)
DIFFERENCES = st.builds(Difference, COUNTS, COUNTS, COUNTS, COUNTS).filter(lambda each: each.of > 0)


@given(SHARES)
def test_an_interval_holds_its_share_and_narrows(wider: Share) -> None:
    low, high = wider.interval
    assert 0 <= low <= wider.part + 1e-9
    assert wider.part - 1e-9 <= high <= 1
    narrower = Share(wider.good * 4, wider.of * 4)
    assert narrower.interval[1] - narrower.interval[0] < high - low


def test_what_had_no_occasion_is_not_counted() -> None:
    assert share([True, None, False, None]) == Share(1, 2)


@given(DIFFERENCES)
def test_a_difference_lies_in_its_interval_and_turns_round_with_its_ways(one: Difference) -> None:
    low, high = one.interval
    assert -1 <= low <= one.part + 1e-9
    assert one.part - 1e-9 <= high <= 1
    turned = Difference(one.both, one.second_only, one.first_only, one.neither)
    assert turned.part == -one.part
    assert turned.interval == pytest.approx((-high, -low))


def test_pairs_that_agree_tell_more_than_pairs_that_do_not() -> None:
    agreeing = Difference(both=40, first_only=5, second_only=5, neither=50)
    crossing = Difference(both=20, first_only=25, second_only=25, neither=30)
    assert agreeing.part == crossing.part == 0
    assert agreeing.interval[1] < crossing.interval[1]


def test_a_difference_is_that_of_the_shares() -> None:
    first, second = [True, True, False, True], [True, False, False, True]
    found = difference(first, second)
    assert found == Difference(both=2, first_only=1, second_only=0, neither=1)
    assert found.part == share(first).part - share(second).part
    with pytest.raises(ValueError, match="zip"):
        difference(first, second[:2])


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    chance, truth, rounds = random.Random(1), 0.6 - 0.5, 2_000
    held = 0
    for _ in range(rounds):
        # Three in ten dialogues are hard or easy for both ways alike.
        pairs = []
        for _ in range(60):
            alike = chance.random() < 0.3
            one = chance.random()
            other = one if alike else chance.random()
            pairs.append((one < 0.6, other < 0.5))
        low, high = difference(*map(list, zip(*pairs, strict=True))).interval
        held += low <= truth <= high
    assert 0.93 < held / rounds < 0.98
