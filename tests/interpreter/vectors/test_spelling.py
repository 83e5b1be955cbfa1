"""Stories of the text profile are told in the token profile too, and come out the same."""

import pytest

from cml.profile import Spelling
from cml.symbols import Marker
from interpreter.events import Decoded, Ended, Row
from interpreter.vectors.runs import RunVector, ScriptedToken, run_vector, run_vectors
from interpreter.vectors.spelling import spelled

VECTORS = run_vectors()
CARRIED = {
    name: story
    for name, vector in VECTORS.items()
    if vector.settings.profile.markers is Spelling.TEXT
    and (story := spelled(vector, Spelling.TOKEN))
}


def written(script: tuple[ScriptedToken, ...]) -> str:
    return "".join(
        step.text or (step.marker and Marker[step.marker].value) or "" for step in script
    )


def without_boundaries(row: Row) -> tuple[object, ...]:
    event = row.event
    match event:
        case Decoded(symbol):
            return row.at_us, row.rule, symbol, row.effects
        case Ended(reason):
            return row.at_us, row.rule, reason, row.effects
        case _:
            return row.at_us, row.rule, event, row.effects


@pytest.mark.parametrize("name", CARRIED)
def test_a_story_has_its_rows_in_tokens_too(name: str) -> None:
    vector, story = VECTORS[name], CARRIED[name]
    rows, context = run_vector(story)
    assert story.settings.profile.markers is Spelling.TOKEN
    assert written(story.script) == written(vector.script)
    assert (rows, context) == (story.rows, vector.context)
    assert list(map(without_boundaries, rows)) == list(map(without_boundaries, vector.rows))


def test_what_is_in_tokens_already_stays_and_is_not_told_in_text() -> None:
    in_tokens = [v for v in VECTORS.values() if v.settings.profile.markers is Spelling.TOKEN]
    assert in_tokens
    for vector in in_tokens:
        assert spelled(vector, Spelling.TOKEN) is vector
        assert spelled(vector, Spelling.TEXT) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("begun-marker-holds-an-interrupt-back", "nothing is held back in tokens"),
        ("call-decoded-past-a-trap", "no step holds a trap and more"),
        ("region-is-inert", "tokens know no regions"),
        ("interrupt-after-a-backslash", "no backslash is doubled in tokens"),
        ("two-interrupts-in-one-batch", "there is a safe point between two blocks of one step"),
    ],
)
def test_what_has_no_like_in_tokens_stays_in_text(name: str, why: str) -> None:
    assert spelled(VECTORS[f"runs/{name}"], Spelling.TOKEN) is None, why


def test_most_stories_are_told_in_tokens() -> None:
    """So every rule is, but the one of regions."""

    def rules(vectors: list[RunVector]) -> set[str]:
        return {row.rule for vector in vectors for row in vector.rows}

    assert len(CARRIED) > 0.75 * len(VECTORS)
    missing = rules(list(VECTORS.values())) - rules(list(CARRIED.values()))
    assert missing == {"Settle/withhold"}
