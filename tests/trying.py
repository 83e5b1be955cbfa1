"""How many examples a property is tried with, and which seeds a story."""

import pytest
from hypothesis import settings

_EVERY_DAY = 100


def tries(count: int) -> settings:
    """Try a property with so many examples every day, and with more where all are tried with more."""
    return settings(max_examples=count * max(1, settings().max_examples // _EVERY_DAY))


def seeds(first: int, count: int, *, of_them_slow: int, step: int = 1) -> list[object]:
    """Draw stories from so many seeds: some in the slow run, and all where there is time for it."""
    slow, long = (pytest.mark.slow,), (pytest.mark.slow, pytest.mark.long)
    return [
        pytest.param(first + number * step, marks=slow if number < of_them_slow else long)
        for number in range(count)
    ]
