"""How soon a row is seen on the page of `cml serve`, and what it takes from ten sessions that they are watched.

Run `python benchmarks/live_page.py` (extras `dev`, `page` and `llamacpp`, and Chromium), on a machine that does
nothing else; it takes some four minutes.

The first figure: a session writes the time of day, word by word, and the page notes with each word how late it is in
the frame after the one that draws it, when it is to be seen. The second: ten sessions of the embedded model decode at
once, in one thread: in `Sessions` without any server (`alone`), in a server where ten clients read their rows (`read`),
and in one where a browser shows one of them besides (`shown`), in turn. What counts are symbols per second, of all ten
together. CPU time is told of the process that decodes and serves, of its event loop's thread, of the clients and of the
browser apart: all of them share this machine.

Symbols differ in what they cost: one that the mask leaves no choice about takes 2 ms, and the next one that is chosen
reads it with those before it, in up to 90. So the same work has to be compared, to the last symbol. All sessions greet
first, which reads their prompts; they are asked when the last of them has answered, and go in step from there on. What
is measured is all of this turn: the calls of one question, up to a limit of tokens.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple, TypeAlias

import click
import msgspec
import psutil
from playwright.sync_api import Page, sync_playwright
from side_by_side import machine

from interpreter import EndOfDecoding, Piece, ScriptedSession, Sessions, Settings
from interpreter.drivers.async_runtime import AsyncForm
from interpreter.events import Decoded
from interpreter.tools.python import load_tools
from model_adapters.backends import Request
from model_adapters.serving.live.source import SessionWanted, Source

SESSIONS = 10
WORD_S = 0.03
TOOLS = Path(__file__).parents[1] / "examples" / "travel_tools.py"
GREETING = "Hello!"
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

    def sessions(self, names: Container[str]) -> Sequence[Mapping[str, Any]]:
        """Return what is told of some sessions."""
        return [
            each for each in self.ask("GET", "/api/sessions")["sessions"] if each["id"] in names
        ]

    def rows(self, session: str, after: int) -> HTTPResponse:
        """Begin to read the rows of a session that follow one."""
        connection = HTTPConnection(self.netloc)
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request("GET", f"/api/sessions/{session}/rows?after={after}", headers=headers)
        return connection.getresponse()


def decoded_s(rows: HTTPResponse) -> list[float]:
    """Read the rows of one turn; return when each came that tells of a symbol."""
    times: list[float] = []
    with rows:
        for line in rows:
            if b'"type":"decoded"' in line:
                times.append(time.perf_counter())
            if b'"type":"finish"' in line:
                break
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
    """How ten sessions decoded: how many symbols, how many per second, and CPU time per symbol in
    milliseconds, by who took it: the process that decodes, the thread of its event loop alone, those who read.
    """

    symbols: int
    per_s: float
    decoding_ms: float
    loop_ms: float
    clients_ms: float
    browser_ms: float


def cpu_s(processes: Iterable[psutil.Process]) -> Mapping[psutil.Process, float]:
    """Return the CPU time that each process has taken; one that is gone is left out."""
    taken = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            taken[process] = sum(process.cpu_times()[:2])
    return taken


class Loop(NamedTuple):
    """The thread of an event loop, by the number that the system gives it."""

    process: psutil.Process
    thread: int

    def cpu_s(self) -> float:
        """Return the CPU time that it has taken."""
        return sum(
            each.user_time + each.system_time
            for each in self.process.threads()
            if each.id == self.thread
        )


class Readings(NamedTuple):
    """The clock, and the CPU time so far: of a loop's thread, and of each process of some groups."""

    at: float
    loop_s: float
    groups_s: Sequence[Mapping[psutil.Process, float]]


class Turn(NamedTuple):
    """One turn of ten sessions: what was read off before and after it, and when each symbol came."""

    before: Readings
    sessions: Sequence[Sequence[float]]
    after: Readings


Decode: TypeAlias = Callable[[Callable[[], Readings]], Turn]
"""Lets ten sessions decode, and reads off what they took."""


def measured(
    decode: Decode, loop: Loop, *readers: Callable[[], Iterable[psutil.Process]]
) -> Decoding:
    """Let ten sessions decode; return how they did, and what their process, the thread of its loop and the
    processes of each group of readers took.
    """

    def read_off() -> Readings:
        groups_s = [cpu_s([loop.process]), *(cpu_s(group()) for group in readers)]
        return Readings(time.perf_counter(), loop.cpu_s(), groups_s)

    before, sessions, after = decode(read_off)
    symbols = sum(map(len, sessions))
    took_s = max(times[-1] for times in sessions) - before.at
    taken_s = [after.loop_s - before.loop_s] + [
        sum(each_s - so_far.get(process, 0.0) for process, each_s in by_now.items())
        for so_far, by_now in zip(before.groups_s, after.groups_s, strict=True)
    ]
    loop_ms, decoding_ms, *readers_ms = (1e3 * each_s / symbols for each_s in taken_s)
    return Decoding(symbols, symbols / took_s, decoding_ms, loop_ms, *readers_ms)


async def alone(source: Source, wanted: SessionWanted, read_off: Callable[[], Readings]) -> Turn:
    """Let ten sessions decode without any server."""
    made = [source.decoder.submit(source.session, wanted).result() for _ in range(SESSIONS)]
    async with Sessions(decoder=source.decoder) as sessions:
        settings = source.settings(wanted)
        forms = [sessions.open(each, source.functions, settings) for each in made]

        async def decoded_s(form: AsyncForm) -> list[float]:
            rows = [(time.perf_counter(), row.event) async for row in form.run(QUESTION)]
            return [at for at, event in rows if isinstance(event, Decoded)]

        await asyncio.gather(*(form.complete() for form in forms))
        before = read_off()
        times = await asyncio.gather(*map(decoded_s, forms))
        turn = Turn(before, times, read_off())
    for session in made:
        source.decoder.submit(session.close).result()
    return turn


def read(
    server: Server, wanted: SessionWanted, page: Page | None, read_off: Callable[[], Readings]
) -> Turn:
    """Let ten sessions decode in a server, with ten readers, and a page that shows one."""
    body = msgspec.to_builtins(wanted)
    names = [server.ask("POST", "/api/sessions", body)["id"] for _ in range(SESSIONS)]
    while any(each["state"] == "running" for each in server.sessions(names)):
        time.sleep(WORD_S)
    if page is not None:
        page.goto(f"{server.page}#{names[0]}")
        page.locator(".status[data-state=waiting]").wait_for()
    rows = [server.rows(each["id"], each["rows"]) for each in server.sessions(names)]
    with ThreadPoolExecutor(SESSIONS) as readers:
        before = read_off()
        reading = readers.map(decoded_s, rows)
        for name in names:
            server.ask("POST", f"/api/sessions/{name}/ask", {"text": QUESTION})
        times = [*reading]
        if page is not None:
            page.locator(".status[data-state=waiting]").wait_for()
        turn = Turn(before, times, read_off())
    for name in names:
        server.ask("DELETE", f"/api/sessions/{name}")
    return turn


def in_turn(page: Page, backend: str, tokens: int, rounds: int) -> list[Mapping[str, Decoding]]:
    """Return how ten sessions decode, watched by nobody, by clients, and by a browser too, round by
    round; a first round is not counted.
    """
    functions = load_tools(TOOLS).functions
    source = Source(Request(backend, GREETING, functions, yes=True, sessions=SESSIONS), Settings())
    wanted = SessionWanted(GREETING, max_tokens=tokens)
    options = ("--sessions", str(SESSIONS), "--tools", str(TOOLS))
    here = psutil.Process()
    with serving(backend, *options) as server, ThreadPoolExecutor(1) as apart:
        # The driver of the browser has an event loop in this thread.
        loop_here = Loop(here, apart.submit(threading.get_native_id).result())
        loop_there = Loop(server.process, server.process.pid)

        def unwatched(read_off: Callable[[], Readings]) -> Turn:
            return apart.submit(asyncio.run, alone(source, wanted, read_off)).result()

        def this_one() -> Sequence[psutil.Process]:
            return [here]

        def browser() -> Sequence[psutil.Process]:
            return [each for each in here.children(recursive=True) if each != server.process]

        def measure() -> Mapping[str, Decoding]:
            page.goto("about:blank")
            by_clients = partial(read, server, wanted, None)
            by_all = partial(read, server, wanted, page)
            return {
                "alone": measured(unwatched, loop_here, list, browser),
                "read": measured(by_clients, loop_there, this_one, browser),
                "shown": measured(by_all, loop_there, this_one, browser),
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
