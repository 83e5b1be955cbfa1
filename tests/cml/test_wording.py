"""Differences as people read them."""

from hypothesis import given
from hypothesis import strategies as st

from cml.wording import difference


def test_short_things_are_told_whole() -> None:
    assert difference((1, 2), (1, 3)) == "expected (1, 2), found (1, 3)"
    assert difference("a", None) == "expected 'a', found None"


def test_long_things_are_told_from_where_they_part() -> None:
    ids = tuple(range(100))
    told = difference(ids, (*ids[:50], 7, 8))
    assert told.startswith("50 items alike, up to (26, 27, ")
    assert "; then expected (50, 51, " in told
    assert told.endswith(", found (7, 8) (of 52)")
    assert difference("x" * 300, "x" * 299).endswith(
        "expected 'x' (of 300), found the end (of 299)"
    )


@given(st.text(min_size=1), st.text(max_size=200), st.text(max_size=200))
def test_a_difference_is_short_and_says_where_it_begins(
    begins: str, ours: str, theirs: str
) -> None:
    alike = (begins * 210)[:210]
    told = difference(f"{alike}a{ours * 3}", f"{alike}b{theirs * 3}")
    assert told.startswith("210 characters alike, up to ")
    assert len(told) < 1_500
