"""Two runs side by side from where they part, and a run beside what could have become of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cml.ast import OutcomeKind
from interpreter import DecodingCosts, ScriptedSession, Settings, run_virtual
from interpreter.events import Outcome
from interpreter.scripted import pieces_of
from interpreter.trace import Header, read_trace, write_trace

if TYPE_CHECKING:
    from conftest import Viewer
    from playwright.sync_api import Page

EXAMPLES = Path(__file__).parents[2] / "examples"
TRIP = EXAMPLES / "trip.jsonl"
TIMES_US = {"get_price": 250_000, "get_weather": 1_400_000, "get_time": 300_000}
PARTS_AT = 70


def other_run(path: Path) -> Path:
    """The same text, with functions that take other times."""
    with TRIP.open("rb") as lines:
        header, _ = read_trace(lines)
    text = (EXAMPLES / "trip.cml").read_text(encoding="utf-8")
    rows = run_virtual(
        ScriptedSession(pieces_of(text)),
        lambda call: [(TIMES_US[call.function], Outcome(OutcomeKind.RETURNED, "Tokyo"))],
        Settings(functions=header.settings.functions),
        DecodingCosts(token_us=19_000),
    )
    with path.open("wb") as file:
        for _ in write_trace(file, Header(1, Settings(), "virtual", "a script"), rows):
            pass
    return path


def shown_us(page: "Page") -> list[str]:
    """How much time each of the drawings shows, in microseconds."""
    totals: list[str] = page.locator(".lanes").evaluate_all(
        "all => all.map(lanes => lanes.style.getPropertyValue('--total'))"
    )
    return totals


@pytest.fixture
def page(viewer: "Viewer", tmp_path: Path) -> "Page":
    return viewer.open(TRIP, other_run(tmp_path / "other.jsonl"))


def test_as_many_runs_stand_side_by_side_as_have_room(viewer: "Viewer") -> None:
    page = viewer.open(TRIP, TRIP, TRIP, width=1400)
    for width, in_a_line in ((1400, 3), (1000, 2), (390, 1)):
        page.set_viewport_size({"width": width, "height": 900})
        viewer.wait_until_drawn(page)
        tops = [run.bounding_box()["y"] for run in page.locator("article").all()]
        assert tops.count(tops[0]) == in_a_line
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_where_two_runs_part_is_marked_and_seen(page: "Page") -> None:
    left, right = page.locator("article").all()
    assert f"Parts from other.jsonl at row {PARTS_AT}." in left.locator(".note").inner_text()
    for run in (left, right):
        row = run.locator(".row.parting")
        assert row.locator(".row-number").inner_text() == str(PARTS_AT)
        assert row.get_attribute("aria-selected") == "true"
        above, seen = row.bounding_box(), run.locator(".row-list").bounding_box()
        assert seen["y"] <= above["y"] <= seen["y"] + seen["height"] - above["height"]
    rules = page.locator(".details h3 b").all_inner_texts()
    assert len(set(rules)) == 2
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == (
        page.locator("[id]").count()
    )


def test_they_share_an_axis_and_follow_each_other(page: "Page") -> None:
    assert len(set(shown_us(page))) == 1
    left, right = page.locator("article").all()
    left.locator(".row").nth(1).click()
    assert right.locator(".row[aria-selected=true] .row-number").inner_text() == (
        left.locator(".row[aria-selected=true] .row-number").inner_text()
    )
    right.locator(".row", has_text="starts weather").click()
    assert left.locator(".row[aria-selected=true]").count() == 0
    assert left.locator(".cursor").is_visible()
    page.keyboard.press("Escape")
    assert not left.locator(".cursor").is_visible()


@pytest.mark.parametrize("width", [320, 1280])
def test_they_stand_side_by_side_or_one_above_the_other(
    viewer: "Viewer", tmp_path: Path, width: int
) -> None:
    page = viewer.open(TRIP, other_run(tmp_path / "other.jsonl"), width=width)
    left, right = (run.bounding_box() for run in page.locator("article").all())
    if width < 900:
        assert right["y"] >= left["y"] + left["height"]
    else:
        assert right["x"] >= left["x"] + left["width"]
        tops = [box.bounding_box()["y"] for box in page.locator(".row-list").all()]
        assert tops[0] == tops[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_same_run_twice_is_told_to_be_the_same(viewer: "Viewer") -> None:
    page = viewer.open(TRIP, TRIP)
    assert page.locator(".note").all_inner_texts() == ["The same as trip.jsonl."] * 2
    assert page.locator(".row.parting").count() == 0


def test_what_if_is_drawn_beside_what_happened(viewer: "Viewer", tmp_path: Path) -> None:
    page = viewer.open(other_run(tmp_path / "other.jsonl"))
    page.locator(".what-if summary").press("Enter")
    said = page.locator(".what-if output")
    page.locator(".what-if output", has_text="2.22 s instead of the 2.67 s").wait_for()
    lanes = page.locator(".what-if .lanes")
    assert lanes.locator(".lane-name b").all_inner_texts() == [
        "decoding",
        "price",
        "weather",
        "time",
    ]
    opened = lanes.locator(".bar.writing").evaluate_all("all => all.map(bar => bar.dataset.call)")
    left = lanes.locator(".bar.writing").evaluate_all("all => all.map(bar => bar.offsetLeft)")
    assert min(zip(left, opened, strict=True))[1] == "weather"
    page.get_by_label("order of the calls").select_option("as written")
    assert said.inner_text() == "2.67 s as the simulator plays the run itself"
    page.get_by_label("calls at once").select_option("1")
    assert said.inner_text().endswith("later")
    # What takes longer is seen whole, on one axis with what happened.
    viewer.wait_until_drawn(page)
    assert len(set(shown_us(page))) == 1


def test_nothing_chosen_the_run_is_told_of(viewer: "Viewer") -> None:
    page = viewer.open(TRIP)
    assert "What limited it most: decoding." in page.locator(".details").inner_text()
    page.locator(".row").first.click()
    page.keyboard.press("Escape")
    assert page.locator(".row[aria-selected=true]").count() == 0
    assert "About this run" in page.locator(".details").inner_text()
