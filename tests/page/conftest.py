"""A browser of Debian's, driven by playwright; what it complains of fails the test."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from extras import from_extra

from model_adapters.serving.traces.command import view_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_MS = 120_000
LOOK_AGAIN_MS = 50
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One for each module: while it is open, no other event loop can run in this thread."""
    playwright = from_extra("dev", "playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("not run: Chromium was not found (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        # A container has no sandbox for root; the pages are our own.
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Viewer:
    """Opens traces in pages, and keeps what was complained of and asked for."""

    def __init__(self, browser: "Browser", folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def open(self, *traces: Path, width: int = 1280, height: int = 900, **context: str) -> "Page":
        """Open traces as one file."""
        file = self._folder / f"{traces[0].stem}.html"
        done = CliRunner().invoke(view_command, [*map(str, traces), "-o", str(file)])
        assert done.exit_code == 0, done.stderr
        page = self.page(width=width, height=height, **context)
        page.goto(file.as_uri())
        self.wait_until_drawn(page)
        return page

    def page(self, *, width: int = 1280, height: int = 900, **context: str) -> "Page":
        """Return an empty page that is listened to."""
        page = self._browser.new_page(viewport={"width": width, "height": height}, **context)
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        return page

    def wait_until_drawn(self, page: "Page") -> None:
        """Wait until a page has all that it shows, and has drawn all that it was told.

        Rows are there at once; the text, the lanes and what is pending come with a later frame.
        """
        drawn = "#page:not([aria-busy]):not(:has([data-drawing]))"
        page.wait_for_selector(drawn, state="attached")

    def wait_until(self, page: "Page", expression: str) -> None:
        """Wait until something holds; the policy of our pages bars what the driver has for it."""
        for _ in range(PATIENCE_MS // LOOK_AGAIN_MS):
            if page.evaluate(expression):
                return
            page.wait_for_timeout(LOOK_AGAIN_MS)
        raise AssertionError(f"never came: {expression}")

    def close(self) -> None:
        """Close all pages; nothing may have been said in the console."""
        for context in self._browser.contexts:
            context.close()
        assert self.complaints == []


@pytest.fixture
def viewer(browser: "Browser", tmp_path: Path) -> Iterator[Viewer]:
    """Something that opens traces."""
    viewer = Viewer(browser, tmp_path)
    yield viewer
    viewer.close()
