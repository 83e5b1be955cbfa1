"""Traces in a real browser: what is seen, by pointer and by keys, wide and narrow, bright and dark."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cml.ast import OutcomeKind
from cml.profile import Body, Profile
from interpreter import DecodingCosts, ScriptedSession, Settings, run_virtual
from interpreter.events import Began, Outcome, Said
from interpreter.runs import read_run
from interpreter.scripted import pieces_of, turns_of
from interpreter.trace import Header, read_trace, write_trace

if TYPE_CHECKING:
    from conftest import Viewer
    from playwright.sync_api import Page

TRIP = Path(__file__).parents[2] / "examples" / "trip.jsonl"
HOSTILE = (
    "</script><img src=x onerror=hit()><script>hit()</script><!--"
    " \u202egnp.exe\u2066 \x1b[31mred\x1b]8;;http://e.example\x07 \x00\x7f\u200b \"'`${hit()}&lt;"
)


def run_of(path: Path):
    with path.open("rb") as lines:
        header, rows = read_trace(lines)
        return read_run(header.settings, rows)


def text_of(page: "Page") -> str:
    """The context as it is shown, without what was taken back."""
    return page.locator(".context").evaluate(
        "context => [...context.querySelectorAll('.piece:not(.taken)')].map(p => p.textContent).join('')"
    )


def bars(page: "Page", kind: str) -> list[tuple[float, float]]:
    """Where bars of a kind begin and how wide they are, in pixels from the left of their track."""
    return page.locator(f".track .bar.{kind}").evaluate_all(
        "bars => bars.map(bar => [bar.offsetLeft, bar.getBoundingClientRect().width])"
    )


def test_the_text_the_lanes_and_the_answer_are_seen(viewer: "Viewer") -> None:
    page = viewer.open(TRIP)
    run = run_of(TRIP)
    assert page.locator("h2").inner_text().startswith("I am going to Tokyo.")
    assert run.answer in text_of(page)
    assert [name.split()[0] for name in page.locator(".lane-name").all_inner_texts()] == [
        "decoding", *(call.call for call in run.calls)
    ]  # fmt: skip
    pixels = page.locator(".track").first.bounding_box()["width"]
    ran = bars(page, "running")
    scale = ran[0][1] / run.calls[0].execute_us
    assert scale * run.total_us <= pixels
    for (left, width), call in zip(ran, run.calls, strict=True):
        assert left == pytest.approx(call.started_us * scale, abs=1.5)
        assert width == pytest.approx(call.execute_us * scale, abs=1.5)
    assert viewer.asked == [page.url]  # the file, and nothing else


def test_a_row_is_chosen_by_keys_alone_and_shows_its_rule(viewer: "Viewer") -> None:
    page = viewer.open(TRIP)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "listbox":
            break
    page.keyboard.press("Home")
    rules = [page.locator(".details h3 b").inner_text()]
    for _ in range(8):
        page.keyboard.press("ArrowDown")
        rules.append(page.locator(".details h3 b").inner_text())
    assert rules[:4] == ["Step/begin", "Step/open", "Step/call", "Settle/start"]
    assert rules[8] == "Settle/deliver"
    assert "At a safe point all queued interrupts go in" in page.locator(".rule").inner_text()
    assert page.locator(".row[aria-selected=true]").count() == 1
    assert page.locator(".lane.marked .lane-name b").inner_text() == "price"
    assert page.locator(".cursor").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".cursor").is_visible()
    # The list scrolls along, and holds but the rows that are seen.
    page.keyboard.press("End")
    assert page.locator(".row[aria-selected=true] .row-rule").inner_text() == "Settle/finish"
    assert page.locator(".row").count() < 60


def test_a_further_question_stands_in_the_text_in_a_line_of_its_own(
    viewer: "Viewer", tmp_path: Path
) -> None:
    trace, planned = tmp_path / "turns.jsonl", [(10**9, Began("And in Rome?"))]
    rows = run_virtual(
        ScriptedSession(turns_of("4 degrees.\fMild.", 100)), lambda _: [], planned=planned
    )
    with trace.open("wb") as file:
        for _ in write_trace(file, Header(1, Settings(), "virtual", "", "How is Oslo?"), rows):
            pass
    page = viewer.open(trace)
    assert page.locator("h2").inner_text() == "How is Oslo?"
    lines = page.locator(".context").inner_text().splitlines()
    assert [line for line in lines if line] == ["4 degrees.", "And in Rome?", "Mild."]
    page.locator(".piece.question").click()
    assert page.locator(".row[aria-selected=true] .row-rule").inner_text() == "Step/begin"


def test_what_was_pending_at_a_row_is_told(viewer: "Viewer") -> None:
    page = viewer.open(TRIP)
    assert page.locator(".pending li").count() == 0
    page.locator(".row", has_text="starts weather").click()
    viewer.wait_until_drawn(page)
    assert page.locator(".pending li b").all_inner_texts() == ["weather"]


def test_zooming_keeps_the_place_and_is_undone(viewer: "Viewer") -> None:
    page = viewer.open(TRIP)
    before = bars(page, "running")
    page.locator(".lanes").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert [width for _, width in bars(page, "running")] == pytest.approx(
        [2.25 * width for _, width in before], rel=0.01
    )
    ticks = page.locator(".tick").all_inner_texts()
    assert len(ticks) == len(set(ticks)) >= 5
    page.keyboard.press("0")
    assert bars(page, "running") == before


def test_a_call_is_chosen_wherever_it_is_seen(viewer: "Viewer") -> None:
    page = viewer.open(TRIP)
    for place in (".piece.call >> nth=1", ".lane >> nth=2", ".piece.interrupt >> nth=1"):
        page.locator(place).click()
        assert page.locator(".details h3").inner_text() == "weather get_weather"
        assert page.locator(".piece.marked").count() == 2
        page.keyboard.press("Escape")
        assert page.locator(".marked").count() == 0


def test_nothing_is_wider_than_the_page(viewer: "Viewer") -> None:
    page = viewer.open(TRIP, width=320, height=800)
    page.locator(".piece.call").first.click()
    for width in (320, 390, 768, 1920, 320):
        page.set_viewport_size({"width": width, "height": 800})
        viewer.wait_until_drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_words_stand_out_by_day_and_by_night(viewer: "Viewer") -> None:
    page = viewer.open(TRIP)
    places = (".context", ".call .marker", ".interrupt .marker", ".trap .marker", ".row-time")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ground = luminance(
            page.locator(".context").evaluate("e => getComputedStyle(e).backgroundColor")
        )
        assert (ground > 0.5) == (scheme == "light")
        for place in places:
            ink = luminance(page.locator(place).first.evaluate("e => getComputedStyle(e).color"))
            assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) >= 4.5, (scheme, place)


def hostile_trace(path: Path) -> Path:
    """A session with hostile text wherever a trace can hold some."""
    body = json.dumps({"name": HOSTILE, "arguments": {"x": HOSTILE}})
    text = f"{HOSTILE} [CALL] a [HEAD] {body} [END][CALL] b [HEAD] {HOSTILE} [END] [INTR] x [TRAP] all [END] Done."
    outcomes = [
        (20_000, Outcome(OutcomeKind.PROGRESS, {HOSTILE: HOSTILE})),
        (90_000, Outcome(OutcomeKind.FAILED, {"type": HOSTILE, "message": HOSTILE})),
    ]
    settings = Settings(Profile(body=Body.JSON))
    planned = [(30_000, Said(HOSTILE)), (10**9, Began(HOSTILE))]
    rows = run_virtual(
        ScriptedSession(pieces_of(text)), lambda _: outcomes, settings, DecodingCosts(), planned
    )
    with path.open("wb") as file:
        for _ in write_trace(file, Header(1, settings, "virtual", HOSTILE, HOSTILE), rows):
            pass
    return path


def test_hostile_text_stays_text_in_every_field(viewer: "Viewer", tmp_path: Path) -> None:
    trace = hostile_trace(tmp_path / "<img src=x onerror=hit()>\u202e.jsonl")
    page = viewer.open(trace, trace)
    assert page.locator("img, iframe, a, form, object").count() == 0
    assert page.locator("body script:not([type*=json])").count() == 1
    for line in page.locator(".row").all()[:12]:
        line.click()
    page.locator(".piece.call").first.click()
    for line in page.locator(".lane").all():
        line.click()
    seen = page.evaluate(
        "document.body.innerText + [...document.querySelectorAll('*')]"
        ".flatMap(e => [e.title, e.ariaLabel]).join('') + document.title"
    )
    assert "onerror=hit()" in seen
    assert not set("\u202e\u2066\x1b\x07\x00\x7f\u200b") & set(seen)
    assert "\u241b[31mred" in seen
    assert viewer.asked == [page.url]


@pytest.mark.slow
def test_ten_thousand_rows_are_seen_and_reached(viewer: "Viewer", tmp_path: Path) -> None:
    text = "".join(
        f"I look. [CALL] c{at} [HEAD] find(number={at}) [END] Words, and more.\n"
        for at in range(300)
    )
    trace, settings = tmp_path / "large.jsonl", Settings()
    rows = run_virtual(
        ScriptedSession(pieces_of(f"{text}[TRAP] all [END] Done.")),
        lambda _: [(300_000, Outcome(OutcomeKind.RETURNED, "found"))],
        settings,
        DecodingCosts(token_us=20_000),
    )
    with trace.open("wb") as file:
        count = sum(1 for _ in write_trace(file, Header(1, settings), rows))
    assert count >= 10_000
    page = viewer.open(trace)
    assert text_of(page).endswith("Done.")
    assert page.locator(".lane").count() == 301
    page.locator(".row-list").focus()
    page.keyboard.press("End")
    assert page.locator(".row[aria-selected=true] .row-number").inner_text() == str(count)
    assert page.locator(".row").count() < 60
