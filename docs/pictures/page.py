"""Draws the page of a run, as `make pictures` asks for it: `python docs/pictures/page.py` (extra `dev`, and Chromium)."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from interpreter.page.document import page_file
from interpreter.page.shown import page_parts, read_shown, title_of

HERE = Path(__file__).parent
TRACE = HERE.parents[1] / "examples" / "trip.jsonl"
SIZE = {"width": 1160, "height": 790}


def main() -> None:
    """Open the page of a run, choose a row, and take a picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium was not found (apt-get install chromium)")
    shown = read_shown(str(TRACE))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "page.html"
        file.write_text(page_file(title_of(shown), page_parts([shown])), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.5, color_scheme="light")
        page.goto(file.as_uri())
        page.locator(".row", has_text="in go price").click()
        page.mouse.move(0, 0)
        page.screenshot(path=HERE / "page.png")


if __name__ == "__main__":
    main()
