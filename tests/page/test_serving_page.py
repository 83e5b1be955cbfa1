"""The page of `cml serve` in a real browser: watched, spoken into, interrupted, read on after a lost line."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from extras import from_extra
from served import QUICK, SLOW, TRIP, Served, serving

if TYPE_CHECKING:
    from conftest import Viewer
    from playwright.sync_api import Page

from_extra("page", "uvicorn")
INPUT = ".saying input"
HOSTILE = "<img src=x onerror=alert(1)>\u202e<script>alert(2)</script>"


@pytest.fixture(scope="module")
def trip() -> Iterator[Served]:
    with serving(TRIP, "--sessions", "8", tools=QUICK) as served:
        yield served


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    with serving("python:odd_sessions:patient", "--max-tokens", "200000", tools=SLOW) as served:
        yield served


@pytest.fixture(scope="module")
def held() -> Iterator[Served]:
    with serving("python:odd_sessions:held", tools=SLOW) as served:
        yield served


def opened(viewer: "Viewer", served: Served, path: str = "/", **context: object) -> "Page":
    page = viewer.page(**context)  # type: ignore[arg-type]
    page.goto(
        f"http://{served.netloc}{path.partition('#')[0]}?token={served.token}#{path.partition('#')[2]}"
    )
    viewer.wait_until_drawn(page)
    return page


def ask(page: "Page", text: str) -> None:
    page.fill(INPUT, text)
    page.keyboard.press("Enter")


def wait_for_state(page: "Page", state: str) -> None:
    page.wait_for_selector(f".status[data-state='{state}']")


def wait_for_text(page: "Page", selector: str, text: str) -> None:
    page.locator(selector, has_text=text).wait_for(state="attached")


def test_a_session_is_watched(viewer: "Viewer", trip: Served) -> None:
    page = opened(viewer, trip)
    assert "token" not in page.url
    ask(page, "Plan my trip to Tokyo.")
    wait_for_state(page, "waiting")
    wait_for_text(page, ".context", "24 degrees and cloudy.")
    assert page.locator(".track .bar.running").count() == 3
    ask(page, "And then?")
    wait_for_text(page, ".piece.question", "And then?")
    wait_for_state(page, "waiting")


def test_a_session_is_spoken_into(viewer: "Viewer", held: Served) -> None:
    page = opened(viewer, held)
    ask(page, "Go.")
    page.wait_for_selector(".pending li")
    ask(page, "Hurry!")
    wait_for_text(page, ".context", 'user1 [HEAD] "Hurry!" [END]')
    assert page.locator(".piece.message").count() == 1
    page.locator(".pending button").click()
    wait_for_state(page, "waiting")


def test_keys_are_enough(viewer: "Viewer", patient: Served) -> None:
    page = opened(viewer, patient)
    page.wait_for_selector("[name=text]:focus")
    page.keyboard.type("Go.")
    page.keyboard.press("Enter")
    wait_for_state(page, "running")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Stop"
    page.keyboard.press("Enter")
    wait_for_state(page, "waiting")
    wait_for_text(page, ".facts", "stopped")


def test_one_call_is_cancelled_and_a_new_question_is_another_session(
    viewer: "Viewer", held: Served
) -> None:
    page = opened(viewer, held)
    ask(page, "First.")
    page.locator(".pending button").click()
    wait_for_text(page, ".context", "[INTR] job1 cancelled")
    wait_for_state(page, "waiting")
    first = page.url
    page.get_by_role("button", name="New question").click()
    assert page.locator(".run").count() == 0
    ask(page, "Second.")
    wait_for_state(page, "running")
    assert page.url != first
    page.get_by_role("button", name="Stop").click()
    wait_for_state(page, "waiting")
    page.get_by_role("combobox").focus()
    page.locator("option", has_text="First.").wait_for(state="attached")
    page.get_by_role("combobox").select_option(first.partition("#")[2])
    wait_for_text(page, "h2", "First.")
    assert page.url == first


@pytest.mark.slow
def test_the_trace_is_downloaded(viewer: "Viewer", trip: Served, tmp_path: Path) -> None:
    page = opened(viewer, trip)
    ask(page, "Plan.")
    wait_for_state(page, "waiting")
    with page.expect_download() as download:
        page.get_by_role("link", name="Trace").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"session-\w+\.jsonl", download.value.suggested_filename)
    assert json.loads(lines[0])["prompt"] == "Plan."


def forgive_lost_lines(viewer: "Viewer", page: "Page") -> None:
    """Close a page, and forget what the browser itself says of a line that was cut."""
    page.close()
    cut = re.compile(r"Failed to load resource: net::ERR_|Failed to fetch|NetworkError")
    viewer.complaints[:] = [said for said in viewer.complaints if not cut.search(said)]


class Line:
    """A way to a server that can be cut."""

    def __init__(self, netloc: str) -> None:
        host, _, port = netloc.rpartition(":")
        self._there = host, int(port)
        self._here = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.netloc = f"127.0.0.1:{self._here.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def cut(self) -> None:
        """Cut every connection that there is."""
        for end in self._open:
            with suppress(OSError):  # it was over
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let nobody in any more."""
        self._here.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in (self._here, *self._open):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._here.accept()[0], socket.create_connection(self._there)
                self._open += [near, far]
                self._begin(self._carry, near, far)
                self._begin(self._carry, far, near)

    def _begin(self, act: Callable[..., None], *ends: socket.socket) -> None:
        self._threads.append(threading.Thread(target=act, args=ends, daemon=True))
        self._threads[-1].start()

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65_536):
                there.sendall(data)
        with suppress(OSError):
            there.shutdown(socket.SHUT_WR)


@pytest.mark.slow
def test_a_line_that_is_lost_is_taken_up_again_without_a_loss(
    viewer: "Viewer", patient: Served
) -> None:
    with closing(Line(patient.netloc)) as line:
        page = opened(viewer, patient._replace(base_url=f"http://{line.netloc}/v1"))
        ask(page, "Go.")
        wait_for_text(page, ".context", "on and on")
        for _ in range(3):
            wait_for_state(page, "running")
            page.wait_for_timeout(200)
            line.cut()
            wait_for_state(page, "lost")
        wait_for_state(page, "running")
        page.get_by_role("button", name="Stop").click()
        wait_for_state(page, "waiting")
        session = f"/api/sessions/{page.url.partition('#')[2]}"
        events = [event.data for event in patient.turn(session)]
        viewer.wait_until_drawn(page)
        written = [
            row["event"]["symbol"]["text"] for row in events if "symbol" in row.get("event", {})
        ]
        prose = "".join(written).partition("[TRAP][END]")[2]
        text = page.locator(".context").inner_text()
        assert prose.count("on and on") > 10
        assert prose.strip() in text
        assert text.count("on and on") == prose.count("on and on")
        page.get_by_label("with every symbol").check()
        page.locator(".row-list").evaluate("(list) => list.scrollTo(0, list.scrollHeight)")
        wait_for_text(page, ".row:last-child .row-number", str(len(events) - 1))
        page.reload()
        wait_for_state(page, "waiting")
        viewer.wait_until_drawn(page)
        assert page.locator(".context").inner_text() == text
    forgive_lost_lines(viewer, page)


@pytest.mark.slow
def test_hostile_text_stays_text_everywhere(viewer: "Viewer") -> None:
    with serving("python:odd_sessions:echo") as served:
        page = opened(viewer, served)
        ask(page, HOSTILE)
        wait_for_state(page, "waiting")
        shown = HOSTILE.replace("\u202e", "\ufffd")
        wait_for_text(page, ".context", shown)
        assert page.locator("h2").inner_text() == shown
        assert page.locator("img, main script").count() == 0
        page.locator("option").nth(1).wait_for(state="attached")
        assert shown[:40] in page.locator("option").nth(1).inner_text()
        page.close()  # before the server, whose end a browser would complain of


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_in_the_light_and_in_the_dark(viewer: "Viewer", trip: Served, scheme: str) -> None:
    page = opened(viewer, trip, width=360, height=740, color_scheme=scheme)
    ask(page, "Plan my trip to Tokyo.")
    wait_for_state(page, "waiting")
    viewer.wait_until_drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shade = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    assert (sum(page.evaluate(shade)) < 150) == (scheme == "dark")


def test_nothing_is_asked_for_elsewhere_and_a_refusal_is_said(
    viewer: "Viewer", held: Served
) -> None:
    page = opened(viewer, held)
    ask(page, "Go.")
    wait_for_state(page, "running")
    session = page.url.partition("#")[2]
    held.ask("DELETE", f"/api/sessions/{session}")
    wait_for_state(page, "over")
    assert "it was closed" in page.locator(".status").inner_text()
    assert {urlsplit(url).netloc for url in viewer.asked if not url.startswith("data:")} == {
        held.netloc
    }


@pytest.mark.slow
def test_a_server_that_comes_to_its_end_is_told(viewer: "Viewer") -> None:
    with serving("python:odd_sessions:patient", "--max-tokens", "200000", tools=SLOW) as served:
        page = opened(viewer, served)
        ask(page, "Go.")
        wait_for_state(page, "running")
    wait_for_text(page, ".status", "it was closed: the server ends")
    forgive_lost_lines(viewer, page)
