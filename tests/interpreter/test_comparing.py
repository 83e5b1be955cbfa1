"""Where two traces part."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from interpreter.commands.comparing import compare
from interpreter.events import Decode, Row, Start, Stopped

ROWS = st.lists(
    st.builds(
        Row,
        at_us=st.integers(0, 3),
        rule=st.sampled_from(["Step/stop", "Settle/decode"]),
        event=st.sampled_from([None, Stopped()]),
        effects=st.sampled_from([(), (Decode(),), (Start("a", "f", (), {}, 5),)]),
    ),
    max_size=6,
)


def plain(rows: list[Row]) -> list[Row]:
    return [
        msgspec.structs.replace(
            row,
            at_us=0,
            effects=tuple(
                msgspec.structs.replace(one, deadline_us=None) if isinstance(one, Start) else one
                for one in row.effects
            ),
        )
        for row in rows
    ]


@given(left=ROWS, right=ROWS, timed=st.booleans(), around=st.integers(0, 3))
def test_what_comes_before_is_the_same_and_the_next_row_is_not(left, right, timed, around) -> None:
    found = compare(left, right, timed=timed, around=around)
    if not timed:
        left, right = plain(left), plain(right)
    same = found.same
    assert left[:same] == right[:same]
    assert len(found.before) == min(around, same)
    if found.parts_at is None:
        assert left == right
    else:
        assert found.parts_at == same + 1
        assert left[same : same + 1] != right[same : same + 1]


@given(rows=ROWS, later_us=st.integers(1, 5))
def test_other_times_count_only_where_they_are_asked_for(rows, later_us) -> None:
    later = [msgspec.structs.replace(row, at_us=row.at_us + later_us) for row in rows]
    assert compare(rows, later, timed=False).parts_at is None
    assert compare(rows, later).parts_at == (1 if rows else None)
