"""The rows of a live session as lines: whoever asks for which, each is that of a trace, and encoded once."""

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from interpreter.trace import encode_row, read_trace
from model_adapters.serving.live.row_log import RowLog

TRIP = (Path(__file__).parents[2] / "examples" / "trip.jsonl").read_bytes()
ROWS = [*read_trace(TRIP.splitlines(keepends=True))[1]]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, len(ROWS)), st.integers(0, 30))))
def test_lines_are_those_of_the_rows_and_made_once(asked: list[tuple[int, int, int]]) -> None:
    async def ask() -> None:
        log = RowLog()
        made: dict[int, bytes] = {}
        for written, after, number in asked:
            log.write(ROWS[len(log.rows) : len(log.rows) + written])
            known = range(len(log.rows))[after : after + number]
            lines = log.lines(after, len(known))
            assert [*lines] == [encode_row(ROWS[at]) for at in known]
            for at, line in zip(known, lines, strict=True):
                assert made.setdefault(at, line) is line

    asyncio.run(ask())
