"""The examples of `examples/` run: a script, a server, a notebook."""

import ast
import asyncio
import inspect
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from extras import from_extra
from waiting import wait_until

ASK = "/ask?question=What+is+the+weather"
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_script_in_an_event_loop() -> None:
    command = [sys.executable, str(EXAMPLES / "async_session.py")]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert "  in goes user1\n" in found.stdout
    assert "  heard after " in found.stdout
    assert found.stdout.endswith("\nanswered\n")
    assert found.stderr == ""


@pytest.mark.parametrize("arguments", [[], ["live"]])
def test_two_agents_write_to_each_other(arguments: list[str]) -> None:
    command = [sys.executable, str(EXAMPLES / "agents.py"), *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    said = re.findall(r"µs  (\w+ → \w+: .*)", found.stdout)
    assert said == [
        "writer → critic: It was night. (hops 0)",
        "critic → writer: How dark? (hops 1)",
        "writer → critic: It was dark night. (hops 2)",
        "critic → writer: I like it. (hops 3)",
    ]
    assert '[INTR] agent_critic1 [HEAD] "How dark?" [END]' in found.stdout
    assert found.stdout.endswith("left over: ()\n")
    assert found.stderr == ""


# ------------------------------------------------------------------------------------- the server


@pytest.fixture
def port() -> Iterator[int]:
    from_extra("dev", "fastapi")
    from_extra("dev", "uvicorn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", str(number)]
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "stream_events:app"],
        env={**os.environ, "CML_BACKEND": f"script:{EXAMPLES / 'trip.cml'}"},
    )
    try:
        wait_until(lambda: answers(number))
        yield number
    finally:
        process.terminate()
        assert process.wait(60) in {0, -15}


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def answered(port: int, path: str, method: str = "GET") -> Iterator[HTTPResponse]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path)
        with connection.getresponse() as answer:
            yield answer


def got(port: int, path: str, method: str = "GET") -> tuple[int, object]:
    with answered(port, path, method) as answer:
        return answer.status, json.loads(answer.read())


def events(answer: HTTPResponse) -> Iterator[tuple[str, object]]:
    kind = ""
    while line := answer.readline().decode():
        field, _, value = line.rstrip("\n").partition(": ")
        if field == "event":
            kind = value
        elif field == "data":
            yield kind, json.loads(value)


def test_the_server_streams_a_session_and_takes_a_message_into_it(port: int) -> None:
    seen: list[tuple[str, object]] = []
    with answered(port, ASK) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for kind, data in events(answer):
            seen.append((kind, data))
            if kind == "call" and len([k for k, _ in seen if k == "call"]) == 1:
                name = next(data for kind, data in seen if kind == "session")
                status, told = got(port, f"/say/{name}?text=Hurry", "POST")
                assert (status, list(told)) == (200, ["at_us"])
    kinds = [kind for kind, _ in seen]
    assert kinds[0] == "session"
    assert kinds[-1] == "end"
    assert {"text", "call", "result", "interrupt"} <= {*kinds}
    assert any("user1" in data for kind, data in seen if kind == "interrupt")
    assert got(port, "/say/nobody?text=hm", "POST")[0] == 404


def test_a_browser_that_goes_away_stops_its_session(port: int) -> None:
    with answered(port, ASK) as answer:
        next(events(answer))
        assert len(got(port, "/")[1]) == 1
    wait_until(lambda: got(port, "/")[1] == [])


# ----------------------------------------------------------------------------------- the notebook


def run_cell(source: str, names: dict[str, object]) -> object:
    """Run a cell as a notebook does: with `await` at the top, and the last expression shown."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    compiled = compile(tree, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(compiled, names)
    if inspect.iscoroutine(running):
        asyncio.run(running)
    return (
        None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    )


def test_the_notebook_shows_a_run_a_simulation_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from_extra("pandas", "pandas")
    monkeypatch.chdir(EXAMPLES)
    document = json.loads((EXAMPLES / "runs_and_schedules.ipynb").read_text(encoding="utf-8"))
    assert (document["nbformat"], len({cell["id"] for cell in document["cells"]})) == (4, 6)
    names: dict[str, object] = {}
    cells = ["".join(c["source"]) for c in document["cells"] if c["cell_type"] == "code"]
    run, report, table = [run_cell(source, names) for source in cells]
    assert run.ending == "answered"
    assert "forecast" in run._repr_html_()
    assert "<iframe" in report._repr_html_()
    assert "sync-parallel" in table._repr_html_()
