"""One property for every driver, session and executor: the context holds what the rows say."""

import driver_stories as stories
import pytest

FORMS = {"blocking": stories.play, "asyncio": stories.play_in_a_loop}

each_form = pytest.mark.parametrize("form", FORMS)


@each_form
@pytest.mark.parametrize("seed", range(100))
def test_the_context_holds_what_the_rows_say(seed, form) -> None:
    stories.check(FORMS[form](stories.draw(seed)))


@each_form
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 2_000))
def test_a_thousand_more(seed, form) -> None:
    stories.check(FORMS[form](stories.draw(seed)))
