"""One property for every driver, session and executor: the context holds what the rows say."""

import driver_stories as stories
import pytest


@pytest.mark.parametrize("seed", range(150))
def test_the_context_holds_what_the_rows_say(seed) -> None:
    stories.check(stories.play(stories.draw(seed)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 2_000))
def test_a_thousand_more(seed) -> None:
    stories.check(stories.play(stories.draw(seed)))
