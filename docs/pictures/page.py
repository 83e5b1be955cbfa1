"""Draws the page of a run, and films that of a live session, as `make pictures` asks for it: `python docs/pictures/page.py`
(extras `dev`, `page`, `plot` and `llamacpp`, and Chromium).

The live session is one of the embedded model, as it comes: nothing of it is staged, and no two films are the same.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from interpreter.page.document import page_file
from interpreter.page.shown import page_parts, read_shown, title_of

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
QUESTION = "I am going to Tokyo. Tell me the price of a flight, the local time, and the weather."
COLOURS = 64
FRAME_S = 0.25
LAST_S = 4.0
"""How long the end is seen before the film begins anew."""


def draw_run(browser: Browser) -> None:
    """Open the page of a run, choose a row, and take a picture."""
    shown = read_shown(str(EXAMPLES / "trip.jsonl"))
    size = {"width": 1160, "height": 790}
    page = browser.new_page(viewport=size, device_scale_factor=1.5, color_scheme="light")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page_file(title_of(shown), page_parts([shown])), encoding="utf-8")
        page.goto(file.as_uri())
        page.locator(".row", has_text="in go price").click()
        page.mouse.move(0, 0)
        [picture] = quantized([Image.open(BytesIO(page.screenshot()))])
    picture.save(HERE / "page.png", optimize=True)


@contextmanager
def serving() -> Iterator[str]:
    """Run `cml serve`; yield the address of its page."""
    options = ["--backend", "llamacpp", "--yes", "--tools", str(EXAMPLES / "travel_tools.py")]
    command = [sys.executable, "-m", "cml", "serve", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["page"]
        process.terminate()


def film_live(browser: Browser) -> None:
    """Ask something on the page of a server, and film it until it is answered."""
    size = {"width": 1120, "height": 760}
    page = browser.new_page(viewport=size, color_scheme="light")
    frames: list[Image.Image] = []
    begun_s: list[float] = []
    with serving() as address:
        page.goto(address)
        page.fill(".saying input", QUESTION)
        page.keyboard.press("Enter")
        page.locator(".row").first.wait_for()
        while page.locator(".status[data-state=running]").count() or len(frames) < 2:
            begun_s.append(time.monotonic())
            frames.append(Image.open(BytesIO(page.screenshot())))
            page.wait_for_timeout(max(0.0, FRAME_S - (time.monotonic() - begun_s[-1])) * 1000)
        page.wait_for_timeout(500)
        begun_s.append(time.monotonic())
        frames.append(Image.open(BytesIO(page.screenshot())))
        page.close()
    ends_s = [*begun_s[1:], begun_s[-1] + LAST_S]
    first, *others = quantized(frames)
    first.save(
        HERE / "live_page.gif",
        save_all=True,
        append_images=others,
        duration=[round((end - at) * 1000) for at, end in zip(begun_s, ends_s, strict=True)],
        loop=0,
        optimize=True,
    )


def quantized(pictures: list[Image.Image]) -> list[Image.Image]:
    """Return pictures with few colours, the same in all of them."""
    shown = [each.convert("RGB") for each in pictures]
    width, height = shown[0].size
    every = Image.new("RGB", (width, height * len(shown)))
    for at, each in enumerate(shown):
        every.paste(each, (0, height * at))
    colours = every.quantize(COLOURS)
    return [each.quantize(palette=colours, dither=Image.Dither.NONE) for each in shown]


def main() -> None:
    """Draw both."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium was not found (apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        draw_run(browser)
        film_live(browser)
        browser.close()


if __name__ == "__main__":
    main()
