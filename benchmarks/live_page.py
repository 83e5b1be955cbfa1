"""How soon a row is seen on the page of `cml serve`, and what it takes from ten sessions that they are watched.

Run `python benchmarks/live_page.py` (extras `dev`, `page` and `llamacpp`, and Chromium), on a machine that does
nothing else; it takes less than three minutes.

The first figure: a session writes the time of day, word by word, and the page notes with each word how late it is in
the frame after the one that draws it, when it is to be seen. The second: ten sessions of the embedded model decode at
once, in one thread: in `Sessions` without any server (`alone`), in a server where ten clients read their rows (`read`),
and in one where a browser shows one of them besides (`shown`), in turn. All write the calls that the question asks for,
up to a limit of tokens. What counts are symbols per second, of all ten together, while all ten decode. CPU time is told
of the process that decodes and serves, of the clients and of the browser apart: all of them share this machine.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import click
import psutil
from playwright.sync_api import Page, sync_playwright
from side_by_side import machine

from interpreter import EndOfDecoding, Piece, ScriptedSession, Sessions, Settings
from interpreter.events import Decoded
from interpreter.tools.python import load_tools
from model_adapters.backends import Request
from model_adapters.serving.live.source import SessionWanted, Source

SESSIONS = 10
WORD_S = 0.03
TOOLS = Path(__file__).parents[1] / "examples" / "travel_tools.py"
QUESTION = "I am going to Tokyo. Tell me the price of a flight, the local time, and the weather."
LATE = """
(most) => new Promise((done) => {
  const late = [];
  const look = () => {
    const words = (document.querySelector(".context")?.textContent ?? "").split(" ");
    const now = Date.now();
    while (late.length < words.length - 1) late.push(now - Number(words[late.length]));
    late.length < most ? requestAnimationFrame(look) : done(late);
  };
  look();
})
"""
"""Waits for so many words; gives for each how many milliseconds it is old in the frame that has it first."""


def clock(_: Request) -> ScriptedSession:
    """Tell the time, word by word: the session of the first figure."""

    class Clock(ScriptedSession):
        def decode(self) -> Piece | EndOfDecoding:
            time.sleep(WORD_S)
            return Piece(f"{time.time() * 1000:.1f} ")

    return Clock([])


class Server(NamedTuple):
    """Where a server is to be found, and its process."""

    process: psutil.Process
    page: str
    netloc: str
    token: str

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send a request; return the document of its answer."""
        connection = HTTPConnection(self.netloc)
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request(method, path, body and json.dumps(body), headers)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def decoded_s(self, session: str) -> list[float]:
        """Read the rows of one turn; return when each came that tells of a symbol."""
        connection = HTTPConnection(self.netloc)
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request("GET", f"/api/sessions/{session}/rows", headers=headers)
        times: list[float] = []
        for line in connection.getresponse():
            if b'"type":"decoded"' in line:
                times.append(time.perf_counter())
            if b'"type":"finish"' in line:
                break
        connection.close()
        return times


@contextmanager
def serving(backend: str, *options: str) -> Iterator[Server]:
    """Run `cml serve` in a process of its own."""
    command = [sys.executable, "-m", "cml", "serve", "--json", "--yes", "--backend", backend]
    here = Path(__file__).parent
    with subprocess.Popen([*command, *options], cwd=here, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())
        netloc = address["base_url"].split("/")[2]
        try:
            yield Server(psutil.Process(process.pid), address["page"], netloc, address["token"])
        finally:
            process.terminate()


def late_ms(page: Page, rows: int) -> list[float]:
    """Return how late each row of a session is seen, in milliseconds."""
    with serving("python:live_page:clock") as server:
        page.goto(server.page)
        page.fill(".saying input", "What time is it?")
        page.keyboard.press("Enter")
        late: list[float] = page.evaluate(LATE, rows)
        page.goto("about:blank")
    return late


class Decoding(NamedTuple):
    """How ten sessions decoded: symbols per second, and CPU time per symbol in milliseconds, by who took it."""

    per_s: float
    decoding_ms: float
    clients_ms: float
    browser_ms: float


def per_s(sessions: Sequence[Sequence[float]]) -> float:
    """Return how many symbols all sessions decode in a second, while all of them do."""
    begin = max(times[0] for times in sessions)
    end = min(times[-1] for times in sessions)
    return sum(begin < at <= end for times in sessions for at in times) / (end - begin)


def cpu_s(processes: Iterable[psutil.Process]) -> Mapping[psutil.Process, float]:
    """Return the CPU time that each process has taken; one that is gone is left out."""
    taken = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            taken[process] = sum(process.cpu_times()[:2])
    return taken


def measured(
    decode: Callable[[], Sequence[Sequence[float]]],
    *groups: Callable[[], Iterable[psutil.Process]],
) -> Decoding:
    """Let ten sessions decode; return how they did, and what the processes of each group took."""
    before = [cpu_s(group()) for group in groups]
    sessions = decode()
    symbols = sum(map(len, sessions))
    taken = [
        sum(each_s - so_far.get(process, 0.0) for process, each_s in cpu_s(group()).items())
        for group, so_far in zip(groups, before, strict=True)
    ]
    return Decoding(per_s(sessions), *(1e3 * each_s / symbols for each_s in taken))


async def alone(source: Source, wanted: SessionWanted) -> Sequence[Sequence[float]]:
    """Let ten sessions decode without any server; return when each symbol came."""
    made = [source.decoder.submit(source.session, wanted).result() for _ in range(SESSIONS)]
    async with Sessions(decoder=source.decoder) as sessions:

        async def decoded_s(number: int) -> list[float]:
            settings = source.settings(wanted)
            form = sessions.open(made[number], source.functions, settings)
            rows = [(time.perf_counter(), row.event) async for row in form.run()]
            return [at for at, event in rows if isinstance(event, Decoded)]

        times = await asyncio.gather(*map(decoded_s, range(SESSIONS)))
    for session in made:
        source.decoder.submit(session.close).result()
    return times


def read(server: Server, tokens: int, page: Page | None = None) -> Sequence[Sequence[float]]:
    """Let ten sessions decode in a server, with ten readers, and a page that shows one."""
    wanted = {"question": QUESTION, "max_tokens": tokens}
    names = [server.ask("POST", "/api/sessions", wanted)["id"] for _ in range(SESSIONS)]
    if page is not None:
        page.goto(f"{server.page}#{names[0]}")
    with ThreadPoolExecutor(SESSIONS) as readers:
        times = [*readers.map(server.decoded_s, names)]
    if page is not None:
        page.locator(".status[data-state=waiting]").wait_for()
    for name in names:
        server.ask("DELETE", f"/api/sessions/{name}")
    return times


def in_turn(page: Page, backend: str, tokens: int, rounds: int) -> list[Mapping[str, Decoding]]:
    """Return how ten sessions decode, watched by nobody, by clients, and by a browser too, round by
    round; a first round is not counted.
    """
    functions = load_tools(TOOLS).functions
    source = Source(Request(backend, QUESTION, functions, yes=True, sessions=SESSIONS), Settings())
    wanted = SessionWanted(QUESTION, max_tokens=tokens)
    options = ("--sessions", str(SESSIONS), "--tools", str(TOOLS))
    here = psutil.Process()
    with serving(backend, *options) as server, ThreadPoolExecutor(1) as apart:
        # The driver of the browser has an event loop in this thread.
        def unwatched() -> Sequence[Sequence[float]]:
            return apart.submit(asyncio.run, alone(source, wanted)).result()

        def serving_one() -> Sequence[psutil.Process]:
            return [server.process]

        def this_one() -> Sequence[psutil.Process]:
            return [here]

        def browser() -> Sequence[psutil.Process]:
            return [each for each in here.children(recursive=True) if each != server.process]

        def measure() -> Mapping[str, Decoding]:
            page.goto("about:blank")
            by_clients = partial(read, server, tokens)
            by_all = partial(read, server, tokens, page)
            return {
                "alone": measured(unwatched, this_one, list, browser),
                "read": measured(by_clients, serving_one, this_one, browser),
                "shown": measured(by_all, serving_one, this_one, browser),
            }

        return [measure() for _ in range(rounds + 1)][1:]


def slower(rounds: Sequence[Mapping[str, Decoding]], watched: str) -> Mapping[str, object]:
    """Return how much slower watched sessions decode, in percent."""
    percent = [100 * (1 - each[watched].per_s / each["alone"].per_s) for each in rounds]
    return {"median": round(median(percent), 1), "rounds": [round(each, 1) for each in percent]}


def medians(rounds: Sequence[Mapping[str, Decoding]], watched: str) -> Mapping[str, float]:
    """Return the median of each figure."""
    columns = zip(*(each[watched] for each in rounds), strict=True)
    return {
        name: round(median(column), 2)
        for name, column in zip(Decoding._fields, columns, strict=True)
    }


@click.command()
@click.option("--rows", default=300, show_default=True, help="Rows of the first figure.")
@click.option("--backend", default="llamacpp", show_default=True, help="What decodes.")
@click.option("--tokens", default=40, show_default=True, help="What each session decodes.")
@click.option("--rounds", default=3, show_default=True)
def main(*, rows: int, backend: str, tokens: int, rounds: int) -> None:
    """Print how late rows are seen, and how much slower watched sessions decode."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise click.ClickException("Chromium was not found (apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        late = late_ms(page, rows)
        decoded = in_turn(page, backend, tokens, rounds)
        figures = {
            "rows": len(late),
            "seen_after_ms": {
                "median": round(median(late), 1),
                "95%": round(quantiles(late, n=20)[-1], 1),
                "most": round(max(late), 1),
            },
            "sessions": SESSIONS,
            "decoded": {how: medians(decoded, how) for how in ("alone", "read", "shown")},
            "slower_by_percent": {how: slower(decoded, how) for how in ("read", "shown")},
            "browser": browser.version,
        }
    print(json.dumps({"machine": machine(), **figures}, indent=1))


if __name__ == "__main__":
    main()
