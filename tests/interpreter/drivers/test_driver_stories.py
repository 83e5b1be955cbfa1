"""One property for every driver, session and executor: the context holds what the rows say."""

import driver_stories as stories
import pytest
from trying import seeds

from interpreter.testing import check_ran

FORMS = {"blocking": stories.play, "asyncio": stories.play_in_a_loop}

each_form = pytest.mark.parametrize("form", FORMS)


@each_form
@pytest.mark.parametrize("seed", range(100))
def test_the_context_holds_what_the_rows_say(seed, form) -> None:
    check_ran(FORMS[form](stories.draw(seed)))


@each_form
@pytest.mark.parametrize("seed", seeds(1_000, 1_000, of_them_slow=200))
def test_a_thousand_more(seed, form) -> None:
    check_ran(FORMS[form](stories.draw(seed)))


def play_many(first_seed: int) -> None:
    for told in stories.play_side_by_side([stories.draw(first_seed + n) for n in range(10)]):
        check_ran(told)


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_it_holds_of_each_where_many_share_a_loop(seed) -> None:
    play_many(seed)


@pytest.mark.parametrize("seed", seeds(10_000, 200, of_them_slow=40, step=10))
def test_it_holds_of_each_of_two_thousand(seed) -> None:
    play_many(seed)
