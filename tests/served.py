"""`cml serve` in a process of its own, and requests to it without any library."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ODD = Path(__file__).parent / "serving"
EXAMPLES = Path(__file__).parents[1] / "examples"
TRIP = f"script:{EXAMPLES / 'trip.cml'}"
TRAVEL = str(EXAMPLES / "travel_tools.py")
QUICK = str(ODD / "quick_travel.py")
SLOW = str(ODD / "odd_sessions.py")


class Event(NamedTuple):
    """A server-sent event; without a number where it has none."""

    kind: str
    number: int | None
    data: Any


class Served(NamedTuple):
    """A server that runs."""

    base_url: str
    token: str
    process: "subprocess.Popen[str]"

    @property
    def netloc(self) -> str:
        return urlsplit(self.base_url).netloc

    @contextmanager
    def answered(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[HTTPResponse]:
        """Send a request, with the token unless other headers are given."""
        sent = {"Authorization": f"Bearer {self.token}"} if headers is None else dict(headers)
        given = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with closing(HTTPConnection(self.netloc, timeout=60)) as connection:
            connection.request(method, path, given, sent)
            with connection.getresponse() as answer:
                yield answer

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, Any]:
        """Send a request; return the status and the document of its answer."""
        with self.answered(method, path, body, **more) as answer:
            return answer.status, json.loads(answer.read())

    def begin(self, question: str = "Hi.", **options: object) -> str:
        """Begin a session; return its address."""
        status, session = self.ask("POST", "/api/sessions", {"question": question, **options})
        assert status == 201, session
        return f"/api/sessions/{session['id']}"

    def events(self, session: str, after: int | None = None) -> Iterator[Event]:
        """Yield the events of a session, from a number on."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        with self.answered("GET", f"{session}/rows", headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield from read_events(answer)

    def turn(self, session: str, after: int | None = None) -> list[Event]:
        """Return the events of a session up to the end of its next turn."""
        found = []
        for event in self.events(session, after):
            found.append(event)
            if finish(event):
                return found
        return found

    def state(self, session: str) -> str:
        state: str = self.ask("GET", session)[1]["state"]
        return state


def read_events(answer: HTTPResponse) -> Iterator[Event]:
    fields: dict[str, str] = {}
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            number = int(fields["id"]) if "id" in fields else None
            yield Event(fields.get("event", ""), number, json.loads(fields["data"]))
            fields = {}


def finish(event: Event) -> str | None:
    """Why a turn ends with this event, if one does."""
    effects = event.data.get("effects", []) if event.kind == "row" else []
    return next((effect["reason"] for effect in effects if effect["type"] == "finish"), None)


@contextmanager
def serving(backend: str, *options: str, tools: str = TRAVEL) -> Iterator[Served]:
    """Run a server."""
    command = [sys.executable, "-m", "cml", "serve", "--json", "--backend", backend]
    process = subprocess.Popen(
        [*command, "--tools", tools, *options],
        cwd=ODD,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        address = json.loads(line)
        yield Served(address["base_url"], address["token"], process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
