"""Traces that a killed process left: shown as far as they go, and it is said how far that is."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from interpreter.page.command import timeline_command
from interpreter.page.shown import page_parts, read_shown
from interpreter.trace import ABANDONED, with_checksum

if TYPE_CHECKING:
    from conftest import Viewer

TRIP = Path(__file__).parents[2] / "examples" / "trip.jsonl"
LINES = TRIP.read_bytes().splitlines(keepends=True)
CHECKED = b"".join(map(with_checksum, LINES))


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces") / "t.jsonl"


@given(st.integers(len(LINES[0]) + 40, len(CHECKED)))
def test_what_was_written_before_the_cut_is_shown(trace: Path, kept: int) -> None:
    trace.write_bytes(CHECKED[:kept])
    shown = read_shown(str(trace))
    assert len(shown.rows) == CHECKED[:kept].count(b"\n") - 1
    assert shown.cut_bytes == kept - CHECKED.rfind(b"\n", 0, kept) - 1
    assert (shown.cut == "") == (kept == len(CHECKED))
    assert page_parts([shown])


@given(st.integers(1, len(LINES)), st.integers(0, len(ABANDONED) - 1))
def test_what_was_written_before_the_session_went_on_without_its_trace_is_shown(
    trace: Path, kept: int, cut: int
) -> None:
    rows = b"".join(map(with_checksum, LINES[:kept]))
    trace.write_bytes(rows + with_checksum(ABANDONED))
    shown = read_shown(str(trace))
    assert len(shown.rows) == kept - 1
    assert shown.cut.endswith(": the session went on without it.")
    assert page_parts([shown])
    trace.write_bytes(rows + with_checksum(ABANDONED)[:cut])
    assert len(read_shown(str(trace)).rows) == kept - 1


def test_a_trace_that_goes_on_behind_that_mark_is_refused(trace: Path) -> None:
    trace.write_bytes(b"".join(LINES[:50]) + ABANDONED + b"".join(LINES[50:]))
    with pytest.raises(click.ClickException, match="line 51"):
        read_shown(str(trace))


def test_the_command_says_that_the_session_went_on_without_its_trace(tmp_path: Path) -> None:
    abandoned = tmp_path / "abandoned.jsonl"
    abandoned.write_bytes(b"".join(LINES[:100]) + ABANDONED)
    done = CliRunner().invoke(timeline_command, [str(abandoned), "-o", str(tmp_path / "t.html")])
    assert done.exit_code == 0
    told = "This trace ends with row 99: the session went on without it."
    assert f"{abandoned}: {told}" in done.stderr
    assert told in (tmp_path / "t.html").read_text(encoding="utf-8")


@given(st.integers(0, 8 * (len(CHECKED) - 1) - 1))
def test_a_trace_with_a_flipped_bit_is_refused(trace: Path, bit: int) -> None:
    changed = bytearray(CHECKED)
    changed[bit // 8] ^= 1 << bit % 8
    trace.write_bytes(changed)
    with pytest.raises(click.ClickException):
        read_shown(str(trace))


def test_the_page_and_the_command_say_where_it_is_cut(viewer: "Viewer", tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(LINES[:100]) + LINES[100][:13])
    page = viewer.open(cut)
    told = "This trace is cut off after row 99, within a line: 13 bytes left out."
    assert page.locator(".note").inner_text() == told
    assert "cut short" in page.locator(".run-head .facts").inner_text()
    done = CliRunner().invoke(timeline_command, [str(cut), "-o", str(tmp_path / "t.svg")])
    assert done.exit_code == 0
    assert f"{cut}: {told}" in done.stderr
    assert "Trace/unfinished" in done.stderr


def test_a_trace_without_an_end_says_so(viewer: "Viewer", tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished.jsonl"
    unfinished.write_bytes(b"".join(LINES[:100]))
    page = viewer.open(unfinished)
    told = "This trace ends with row 99, before the turn was over."
    assert page.locator(".note").inner_text() == told
