"""Work that is done together comes in its order, so much of it at a time, and ends where one fails."""

import threading
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_adapters.training.evaluation.together import done_together


@given(st.lists(st.integers(), max_size=30), st.integers(1, 5))
def test_results_come_in_the_order_of_the_items(items: list[int], at_once: int) -> None:
    assert [*done_together(lambda item: item + 1, items, at_once)] == [each + 1 for each in items]


def test_so_many_run_at_a_time() -> None:
    barrier = threading.Barrier(4, timeout=10)
    assert [*done_together(lambda _: barrier.wait() >= 0, range(8), 4)] == [True] * 8


def test_items_are_taken_as_there_is_room() -> None:
    items = count()
    results = done_together(abs, items, 2)
    assert next(results) == 0
    assert next(items) < 10


@pytest.mark.parametrize("at_once", [1, 3])
def test_what_fails_ends_it(at_once: int) -> None:
    results = done_together(lambda item: 1 // item, [1, 1, 0, 1], at_once)
    with pytest.raises(ZeroDivisionError):
        list(results)
