"""How long a browser takes to open the page of a run.

Run `python benchmarks/page.py` (extra `dev`, and Chromium). Each file is opened in turn by one headless
browser, in a page of its own: from asking for it until text, lanes and rows are drawn, medians. Beside it stands
an empty page, which is what the browser itself takes, and the CPU time that `cml view` takes to write the file.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import click
from playwright.sync_api import Browser, sync_playwright
from side_by_side import machine

from cml.ast import OutcomeKind
from interpreter import DecodingCosts, ScriptedSession, Settings, run_virtual
from interpreter.events import Outcome
from interpreter.page.document import page_file
from interpreter.page.shown import page_parts, read_shown
from interpreter.scripted import pieces_of
from interpreter.trace import Header, write_trace

TICKS = os.sysconf("SC_CLK_TCK")
STORY = (
    'I look at number {at}. [CALL] c{at} [HEAD] find(number={at}, note="one of many") [END]'
    " Meanwhile I go on, and say a few words about it.\n"
)
DRAWN = """
new Promise((done) => {
  const look = () => (document.querySelector(".row") && document.querySelector(".lane .bar") && document.querySelector(".piece")
    ? requestAnimationFrame(() => setTimeout(() => done(performance.now()))) : requestAnimationFrame(look));
  look();
})
"""


def write_story(path: Path, rows: int) -> int:
    """Write a trace of at least so many rows; return how many it has."""
    text = "".join(STORY.format(at=at) for at in range(rows // 85 + 1)) + "[TRAP] all [END] Done."
    value = {"found": "something that is longer than a word"}
    run = run_virtual(
        ScriptedSession(pieces_of(text)),
        lambda _: [(700_000, Outcome(OutcomeKind.RETURNED, value))],
        Settings(),
        DecodingCosts(token_us=20_000),
    )
    with path.open("wb") as file:
        return sum(1 for _ in write_trace(file, Header(1, Settings(), "virtual"), run))


def cpu_s() -> float:
    """Return the CPU time of all processes that this one has begun, in seconds; those that have ended count in their parents."""
    times: dict[int, tuple[int, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        times[int(stat.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS)

    def is_ours(pid: int) -> bool:
        parent = times.get(pid, (0, 0.0))[0]
        return parent == os.getpid() or (parent > 1 and is_ours(parent))

    return sum(took_s for pid, (_, took_s) in times.items() if is_ours(pid))


def opened_s(browser: Browser, file: Path, wait: str) -> tuple[float, float]:
    """Open a file in a page of its own until something is there; return seconds by the clock, and of CPU time."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    begin, cpu_begin = perf_counter(), cpu_s()
    page.goto(file.as_uri(), wait_until="commit")
    page.evaluate(wait)
    took_s, cpu_took_s = perf_counter() - begin, cpu_s() - cpu_begin
    page.close()
    return took_s, cpu_took_s


@click.command()
@click.option("--rows", default=10_000, show_default=True)
@click.option("--rounds", default=7, show_default=True)
def main(*, rows: int, rounds: int) -> None:
    """Print seconds to open a page, and what an empty one takes."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise click.ClickException("Chromium was not found (apt-get install chromium)")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        trace, page, empty = (folder / part for part in ("t.jsonl", "t.html", "e.html"))
        written = write_story(trace, rows)
        begin = process_time()
        shown = read_shown(str(trace))
        page.write_text(page_file("a run", page_parts([shown])), encoding="utf-8")
        wrote_cpu_s = process_time() - begin
        empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        pairs = [
            (opened_s(browser, page, DRAWN), opened_s(browser, empty, "true"))
            for _ in range(rounds + 1)
        ][1:]
        figures = {
            "rows": written,
            "calls": len(shown.run.calls),
            "file_megabytes": round(page.stat().st_size / 1e6, 2),
            "write_cpu_s": round(wrote_cpu_s, 2),
            "open_s": round(median(one for (one, _), _ in pairs), 2),
            "open_cpu_s": round(median(cpu for (_, cpu), _ in pairs), 2),
            "open_empty_s": round(median(other for _, (other, _) in pairs), 2),
            "open_empty_cpu_s": round(median(cpu for _, (_, cpu) in pairs), 2),
            "browser": browser.version,
        }
    print(json.dumps({"machine": machine(), **figures}, indent=1))


if __name__ == "__main__":
    main()
