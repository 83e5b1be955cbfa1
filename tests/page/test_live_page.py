"""A session under way, in a real browser: rows come one after another, and time goes on between them."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interpreter.page import ASSETS

if TYPE_CHECKING:
    from conftest import Viewer
    from playwright.sync_api import Page, Route

TRIP = (Path(__file__).parents[2] / "examples" / "trip.jsonl").read_text(encoding="utf-8")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
SERVED = {
    "/": '<!doctype html><link rel="stylesheet" href="page.css"><main id="page"></main><script type="module" src="boot.js"></script>',
    "/boot.js": """
import { RunView } from "./run.js";
import { parseRow } from "./interrupts.js";
const cancelled = [];
const view = new RunView(document.getElementById("page"), { cancel: (key) => cancelled.push(key) });
window.feed = (lines) => view.add(lines.map(parseRow));
window.choose = (number) => view.choose(number);
window.cancelled = cancelled;
""",
}
ELAPSED_S = """
((text) => parseFloat(text) * { s: 1, ms: 1e-3, "µs": 1e-6 }[text.split(" ")[1]])(
  document.querySelector(".elapsed").textContent)
"""
TYPES = {".js": "text/javascript", ".css": "text/css"}


@pytest.fixture
def page(viewer: "Viewer") -> "Page":
    """A page that is served the modules as they are, under a policy that lets nothing else in."""

    def answer(route: "Route") -> None:
        path = route.request.url.removeprefix("http://page.test")
        body = SERVED.get(path) or (ASSETS / path[1:]).read_text(encoding="utf-8")
        headers = {"content-security-policy": POLICY}
        kind = TYPES.get(Path(path).suffix, "text/html")
        route.fulfill(body=body, content_type=f"{kind}; charset=utf-8", headers=headers)

    page = viewer.page()
    page.route("http://page.test/**", answer)
    page.goto("http://page.test/")
    viewer.wait_until(page, "Boolean(window.feed)")
    return page


def feed(page: "Page", until: str) -> None:
    """Give the page the trip up to the first row of a rule that says something."""
    lines = TRIP.splitlines()
    end = next(at for at, line in enumerate(lines) if until in line)
    page.evaluate("lines => window.feed(lines)", lines[: end + 1])


def test_what_runs_grows_until_it_returns(viewer: "Viewer", page: "Page") -> None:
    feed(page, '"function":"get_price"')
    page.wait_for_selector(".pending li")
    assert page.locator(".pending li b").inner_text() == "price"
    assert "decodes" in page.locator(".facts").inner_text()
    # Times go on by themselves; they are never taken back.
    viewer.wait_until(page, f"{ELAPSED_S} > 0.1")
    axis = "getComputedStyle(document.querySelector('.lanes')).getPropertyValue('--total')"
    before = float(page.evaluate(axis))
    viewer.wait_until(page, f"parseFloat({axis}) > {before}")
    page.locator(".pending button").click()
    assert page.evaluate("window.cancelled") == ["price"]


def test_when_the_turn_is_over_time_stands_still(page: "Page") -> None:
    lines = TRIP.splitlines()
    for at in range(0, len(lines), 7):
        page.evaluate("lines => window.feed(lines)", lines[at : at + 7])
    page.locator(".facts", has_text="came to its end").wait_for()
    assert page.locator(".pending li").count() == 0
    assert page.locator(".facts").inner_text().split(" · ")[2] == "3.00 s"
    assert page.locator(".track .bar.running").count() == 3
    assert "A flight to Tokyo costs 980 euros." in page.locator(".context").inner_text()


def test_escape_means_nothing_before_there_are_rows(page: "Page") -> None:
    page.locator(".context").press("Escape")
    feed(page, '"function":"get_price"')
    page.wait_for_selector(".pending li")


def test_what_is_drawn_stays_while_rows_come(page: "Page") -> None:
    lines = TRIP.splitlines()
    half = next(at for at, line in enumerate(lines) if '"function":"get_weather"' in line)
    page.evaluate("lines => window.feed(lines)", lines[:half])
    page.locator(".rows input").check()
    kept = ".row, .piece, .lane, .bar.writing, .pending li"
    page.wait_for_selector(".pending li")
    page.evaluate("kept => { window.kept = [...document.querySelectorAll(kept)]; }", kept)
    for line in lines[half : half + 12]:
        page.evaluate("line => window.feed([line])", line)
    page.locator(".lane-name", has_text="weather").wait_for()
    assert page.evaluate("window.kept.length") > 20
    assert page.evaluate("window.kept.every(one => one.isConnected)")


def test_what_is_chosen_before_it_is_drawn_is_seen_and_marked(page: "Page") -> None:
    lines = TRIP.splitlines()
    number = max(at for at, line in enumerate(lines) if '"type":"returned"' in line)
    chosen = "([lines, number]) => { window.feed(lines); window.choose(number); }"
    page.evaluate(chosen, [lines, number])
    page.locator(".lane.marked").wait_for()
    row, rows = page.locator(".row[aria-selected=true]"), page.locator(".row-list")
    assert row.locator(".row-number").inner_text() == str(number)
    above, seen = row.bounding_box(), rows.bounding_box()
    assert above is not None
    assert seen is not None
    assert seen["y"] <= above["y"] <= seen["y"] + seen["height"] - above["height"]
    assert page.locator(".piece.marked").count() > 0


def test_what_comes_later_of_a_chosen_call_is_marked_too(page: "Page") -> None:
    lines = TRIP.splitlines()
    started = next(at for at, line in enumerate(lines) if '"function":"get_price"' in line)
    page.evaluate("lines => window.feed(lines)", lines[: started + 1])
    page.locator('.piece.call[data-call="price"]').first.click()
    page.locator('.piece.call.marked[data-call="price"]').wait_for()
    page.evaluate("lines => window.feed(lines)", lines[started + 1 :])
    page.locator('.piece.interrupt.marked[data-call="price"]').wait_for()
    assert page.locator('.piece[data-call="price"]:not(.marked)').count() == 0
    assert page.locator('.piece.marked:not([data-call="price"])').count() == 0
    page.locator(".context").press("Escape")
    assert page.locator(".piece.marked").count() == 0
