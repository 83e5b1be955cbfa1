"""Live sessions over HTTP: begun, read, spoken to, stopped; nothing lost, whoever reads and however."""

import json
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from extras import from_extra
from served import QUICK, SLOW, TRIP, Event, Served, finish, serving, wait_for

from cml.diagnostics import Severity
from interpreter.trace import check_trace, has_checksum

from_extra("page", "uvicorn")


@pytest.fixture(scope="module")
def trip() -> Iterator[Served]:
    with serving(TRIP, "--sessions", "8", tools=QUICK) as served:
        yield served


HELD = "python:odd_sessions:held"


@pytest.fixture(scope="module")
def held() -> Iterator[Served]:
    with serving(HELD, tools=SLOW) as served:
        yield served


def begin_held(served: Served) -> str:
    """Begin a session whose turn ends where its call is cancelled, and not before; the call runs."""
    session = served.begin()
    next(event for event in served.events(session) if effects([event], "start"))
    return session


def release(served: Served, session: str) -> None:
    assert served.ask("POST", f"{session}/cancel", {"call": "job1"})[0] == 202


def trace_of(served: Served, session: str) -> list[bytes]:
    with served.answered("GET", f"{session}/trace") as answer:
        assert answer.status == 200
        assert "attachment" in answer.headers["content-disposition"]
        return answer.read().splitlines(keepends=True)


def effects(events: list[Event], kind: str) -> list[dict[str, Any]]:
    found = [e.data.get("effects", []) for e in events if e.kind == "row"]
    return [effect for row in found for effect in row if effect["type"] == kind]


def told(events: list[Event]) -> dict[str, dict[str, Any]]:
    """What the model was told, by identifier."""
    return {
        one["id"]: one["outcome"]
        for went in effects(events, "inject")
        for one in went["interrupts"]
    }


def test_a_session_is_a_stream_of_numbered_rows_and_a_valid_trace(trip: Served) -> None:
    session = trip.begin("Plan my trip.")
    events = trip.turn(session)
    assert [event.number for event in events] == list(range(len(events)))
    assert events[0].kind == "header"
    assert events[0].data["prompt"] == "Plan my trip."
    assert {event.kind for event in events[1:]} == {"row"}
    assert {"price", "weather", "time"} == told(events).keys()
    assert finish(events[-1]) == "stop"
    lines = trace_of(trip, session)
    assert all(
        has_checksum(line) for line in lines
    )  # those of a file have it, those of a stream not
    kept = [{k: v for k, v in json.loads(line).items() if k != "crc"} for line in lines]
    assert kept == [event.data for event in events]
    assert [*check_trace(lines)] == []
    wait_for(lambda: trip.state(session) == "waiting")


def test_readers_who_lost_the_line_read_on_and_nothing_is_lost(trip: Served) -> None:
    session = trip.begin()
    seen: list[Event] = []
    while not (seen and finish(seen[-1])):  # a line that breaks again and again, while it runs
        after = seen[-1].number if seen else None
        for event in trip.events(session, after):
            seen.append(event)
            if finish(event) or len(seen) % 7 == 0:
                break
    whole = trip.turn(session)
    assert seen == whole
    for last in (0, 1, len(whole) // 2, len(whole) - 2):
        assert trip.turn(session, last) == whole[last + 1 :]


def test_the_query_says_it_where_a_header_cannot_be_set(trip: Served) -> None:
    session = trip.begin()
    whole = trip.turn(session)
    trip.ask("DELETE", session)
    with trip.answered("GET", f"{session}/rows?after={len(whole) - 1}") as answer:
        rest = answer.read().decode()
    assert rest == 'retry: 500\n\nevent: ended\ndata: {"reason":"closed","message":""}\n\n'


def test_what_is_said_goes_in_and_what_is_said_after_is_the_next_question(held: Served) -> None:
    session = begin_held(held)
    assert held.ask("POST", f"{session}/ask", {"text": "And?"})[0] == 409
    assert held.ask("POST", f"{session}/say", {"text": "Hurry."}) == (202, {"said_as": "message"})
    release(held, session)
    first = held.turn(session)
    assert told(first)["user1"] == {"kind": "returned", "value": "Hurry."}
    wait_for(lambda: held.state(session) == "waiting")
    assert held.ask("POST", f"{session}/say", {"text": "And?"}) == (202, {"said_as": "question"})
    second = held.turn(session, first[-1].number)
    assert second[0].data["event"] == {"type": "began", "prompt": "And?"}
    wait_for(lambda: held.state(session) == "waiting")
    assert [*check_trace(trace_of(held, session))] == []
    assert held.ask("POST", f"{session}/ask", {"text": "So?"})[0] == 202


def test_one_call_is_cancelled_and_what_it_returns_later_is_not_told() -> None:
    """What the function waits for is done by the model, and only once it has heard of the cancellation."""
    with serving("python:odd_sessions:overtaken", tools=SLOW) as served:
        session = served.begin()
        events: list[Event] = []
        for event in served.events(session):
            events.append(event)
            if any(start["call"] == "job1" for start in effects([event], "start")):
                release(served, session)
            if event.data.get("rule") == "Step/late":
                assert served.ask("POST", f"{session}/stop")[0] == 202
            if finish(event):
                break
        assert told(events)["job1"]["kind"] == "cancelled"
        assert finish(events[-1]) == "stopped"
        assert served.ask("POST", f"{session}/cancel", {"call": "job1"})[0] == 409
        assert [*check_trace(trace_of(served, session))] == []
        served.process.send_signal(signal.SIGINT)
        printed = served.process.communicate(timeout=30)[1].splitlines()
    who = f"session {session.rpartition('/')[2]}: job1 printed:"
    assert printed == [f"{who} waits", f"{who} went on"]  # each once, though it came back twice


def test_a_turn_is_stopped_and_another_one_begins(held: Served) -> None:
    session = begin_held(held)
    assert held.ask("POST", f"{session}/stop")[0] == 202
    events = held.turn(session)
    assert finish(events[-1]) == "stopped"
    wait_for(lambda: held.state(session) == "waiting")
    assert held.ask("POST", f"{session}/stop")[0] == 202  # there is nothing to stop
    assert held.ask("POST", f"{session}/ask", {"text": "Once more."})[0] == 202
    assert finish(held.turn(session, events[-1].number)[-1]) == "stop"


def test_options_of_a_session_are_in_its_trace_and_bound_it(trip: Served) -> None:
    session = trip.begin(max_tokens=5, deliver="idle", deadline_us=1_000_000)
    events = trip.turn(session)
    settings = events[0].data["settings"]
    assert (settings["deliver"], settings["deadline_us"]) == ("idle", 1_000_000)
    assert finish(events[-1]) == "length"


def test_a_full_server_takes_the_place_of_who_waits_and_refuses_where_none_does() -> None:
    with serving(HELD, "--sessions", "2", tools=SLOW) as served:
        first = begin_held(served)
        release(served, first)
        wait_for(lambda: served.state(first) == "waiting")
        second, third = begin_held(served), begin_held(served)
        assert served.ask("GET", first)[1]["ended"] == "closed"
        assert "place" in served.ask("GET", first)[1]["message"]
        status, refused = served.ask("POST", "/api/sessions", {"question": "?"})
        assert (status, refused["error"]["code"]) == (503, "Embed/full")
        for session in (second, third):
            release(served, session)
            assert finish(served.turn(session)[-1]) == "stop"
        known = served.ask("GET", "/api/sessions")[1]["sessions"]
        assert known[0]["state"] == "over"
        last = [*served.events(first)]
        assert last[-1].kind == "ended"


@pytest.mark.slow
def test_who_does_not_read_holds_nobody_up() -> None:
    with serving("python:odd_sessions:long", "--max-tokens", "9999") as served:
        session = served.begin()
        with served.answered("GET", f"{session}/rows") as unread:
            wait_for(lambda: served.state(session) == "waiting")
            rows = served.ask("GET", session)[1]["rows"]
            assert rows > 4_000
            assert sum(1 for _ in served.turn(session)) == rows + 1
            assert unread.readline() == b"retry: 500\n"


def test_a_session_that_breaks_says_so_and_others_go_on() -> None:
    with serving("python:odd_sessions:broken") as served:
        session = served.begin()
        *_, last = served.events(session)
        assert (last.kind, last.data["reason"]) == ("ended", "failed")
        assert "ZeroDivisionError" in last.data["message"]
        assert served.ask("POST", f"{session}/say", {"text": "Well?"})[0] == 409
        other = served.begin()
        wait_for(lambda: served.state(other) == "over")
        served.process.send_signal(signal.SIGINT)
        _, err = served.process.communicate(timeout=30)
    lines = err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("Error: session ") and "\x1b" not in line for line in lines)


def test_a_session_that_cannot_be_had_is_refused() -> None:
    with serving("python:odd_sessions:picky") as served:
        status, refused = served.ask("POST", "/api/sessions", {"question": "Who?"})
        assert status == 400
        assert "not for this one" in refused["error"]["message"]


BEGIN = ("POST", "/api/sessions")
CHAT = ("POST", "/v1/chat/completions")
REFUSED = [
    (*BEGIN, b"{", 400, "invalid_body", None, "truncated"),
    (*BEGIN, b"\xff", 400, "invalid_body", None, "malformed"),
    (*BEGIN, b'{"question": "\xff"}', 400, "invalid_body", None, "can't decode byte 0xff"),
    (*CHAT, b'{"wishes":' + b"[" * 100_000, 400, "invalid_body", None, "recursion depth"),
    (*BEGIN, {}, 400, "invalid_body", "question", "the fields are question, chat,"),
    (*BEGIN, {"question": ""}, 400, "invalid_body", "question", "length >= 1"),
    (*BEGIN, {"question": 1}, 400, "invalid_body", "question", "Expected `str`"),
    (*BEGIN, {"question": "a", "wishes": 1}, 400, "invalid_body", "wishes", "unknown field"),
    (*BEGIN, {"question": "a", "max_tokens": 0}, 400, "invalid_body", "max_tokens", ">= 1"),
    (*BEGIN, {"question": "a", "deliver": "now"}, 400, "invalid_body", "deliver", "'now'"),
    (
        *BEGIN,
        {"question": "a", "top_k": 3},
        400,
        "unsupported_parameter",
        "top_k",
        "takes no top_k",
    ),
    (*BEGIN, b" " * 1_048_577, 413, "too_long", None, "1,048,576 bytes"),
    ("GET", "/api/sessions/nobody", None, 404, "no_session", "id", "GET /api/sessions"),
    ("POST", "/api/sessions/nobody/say", {"text": "a"}, 404, "no_session", "id", "nobody"),
    ("PUT", "/api/sessions", {}, 405, "no_endpoint", None, "PUT /api/sessions"),
    ("GET", "/nowhere", None, 404, "no_endpoint", None, "/nowhere"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code", "param", "said"), REFUSED)
def test_what_is_wrong_is_told_in_one_form(
    trip: Served,
    method: str,
    path: str,
    body: object,
    status: int,
    code: str,
    param: str | None,
    said: str,
) -> None:
    found, document = trip.ask(method, path, body)
    error = document["error"]
    assert (found, error["code"], error["param"]) == (status, code, param)
    assert said in error["message"]


@pytest.mark.parametrize("seen", ["x", "-2", "1.5", "999999", "9" * 30])
def test_a_number_that_no_row_has_is_refused(trip: Served, seen: str) -> None:
    session = trip.begin()
    headers = {"Authorization": f"Bearer {trip.token}", "Last-Event-ID": seen}
    status, document = trip.ask("GET", f"{session}/rows", headers=headers)
    assert (status, document["error"]["code"]) == (400, "no_row")
    trip.ask("DELETE", session)


def test_the_description_is_an_openapi_document_of_everything_that_is_answered(
    trip: Served,
) -> None:
    status, document = trip.ask("GET", "/api/openapi.json")
    assert (status, document["openapi"]) == (200, "3.1.0")
    schemas = document["components"]["schemas"]
    references = re.findall(r"#/components/schemas/(\w+)", json.dumps(document))
    assert set(references) <= schemas.keys()
    described = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    assert ("POST", "/api/sessions/{id}/say") in described
    assert ("POST", "/v1/chat/completions") in described
    for method, path in described:
        status = trip.ask(method, path.replace("{id}", "nobody"), {} if method == "POST" else None)[
            0
        ]
        assert status in {200, 400, 404}
        assert trip.ask("PATCH", path)[0] == 405
    begun = trip.ask("GET", trip.begin("Hi."))[1]
    shape = {"$ref": "#/components/schemas/SessionDocument", "components": document["components"]}
    jsonschema.Draft202012Validator(shape).validate(begun)


# ------------------------------------------------------------------------------------ who may ask


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 401),
        ("GET", {"Authorization": "Bearer nonsense"}, 401),
        ("GET", {"Authorization": "Bearer é"}, 401),
        ("GET", {"Authorization": "Basic {token}"}, 401),
        ("GET", {"Cookie": "cml-1={token}"}, 401),
        ("GET", {"Cookie": "cml-{port}={token}"}, 200),
        ("GET", {"Cookie": "cml-{port}={token}", "Origin": "http://127.0.0.1:1"}, 403),
        ("GET", {"Authorization": "bearer {token}"}, 200),
        ("GET", {"Authorization": "Bearer {token}", "Host": "localhost:{port}"}, 200),
        ("GET", {"Authorization": "Bearer {token}", "Host": "[::1]:{port}"}, 200),
        ("GET", {"Authorization": "Bearer {token}", "Host": "evil.example"}, 421),
        ("GET", {"Authorization": "Bearer {token}", "Host": "127.0.0.1.evil.example"}, 421),
        ("GET", {"Authorization": "Bearer {token}", "Host": "]["}, 421),
        ("POST", {"Authorization": "Bearer {token}"}, 404),
        ("POST", {"Authorization": "Bearer {token}", "Origin": "http://evil.example"}, 403),
        ("POST", {"Authorization": "Bearer {token}", "Origin": "null"}, 403),
        ("POST", {"Cookie": "cml-{port}={token}"}, 403),
        ("POST", {"Cookie": "cml-{port}={token}", "Origin": "http://127.0.0.1:{port}"}, 404),
        ("POST", {"Cookie": "cml-{port}={token}", "Origin": "http://127.0.0.1:1"}, 403),
        ("POST", {"Cookie": "cml-{port}={token}", "Origin": "http://localhost:{port}"}, 403),
        ("OPTIONS", {"Origin": "http://127.0.0.1:{port}"}, 401),
    ],
)
def test_who_is_let_in(trip: Served, method: str, headers: dict[str, str], status: int) -> None:
    port = trip.netloc.rpartition(":")[2]
    sent = {
        name: value.replace("{token}", trip.token).replace("{port}", port).encode()
        for name, value in headers.items()
    }
    path = "/api" if method == "GET" else "/api/sessions/nobody/stop"
    with trip.answered(method, path, headers=sent) as answer:  # type: ignore[arg-type]
        assert answer.status == status
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["set-cookie"] is None
        assert answer.headers["access-control-allow-origin"] is None


def test_the_query_of_a_get_gives_a_cookie_and_that_of_a_post_nothing(trip: Served) -> None:
    with trip.answered("GET", f"/api?token={trip.token}", headers={}) as answer:
        cookie = answer.headers["set-cookie"]
        assert answer.status == 200
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    with trip.answered("GET", "/api", headers={"Cookie": cookie.split(";")[0]}) as answer:
        assert answer.status == 200
    path = f"/api/sessions/nobody/stop?token={trip.token}"
    assert trip.ask("POST", path, headers={})[0] == 401


# --------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_streams_and_sessions_in_good_order(number: signal.Signals) -> None:
    with serving("python:odd_sessions:patient", "--max-tokens", "200000", tools=SLOW) as served:
        session = served.begin()
        seen: list[Event] = []
        with ExitStack() as stack:
            stream = served.events(session)
            stack.callback(stream.close)  # type: ignore[attr-defined]
            seen += [next(stream) for _ in range(30)]
            reading = threading.Thread(target=lambda: seen.extend(stream))
            reading.start()
            begun_s = time.monotonic()
            served.process.send_signal(number)
            out, err = served.process.communicate(timeout=30)
            reading.join()
        assert out == ""
        assert err in {"", "calls that still run are left behind: job1\n"}
        assert served.process.returncode == (130 if number is signal.SIGINT else -number)
        assert time.monotonic() - begun_s < 20
    assert seen[-1] == Event("ended", None, {"reason": "closed", "message": "the server ends"})
    assert finish(seen[-2]) == "stopped"
    lines = [json.dumps(event.data).encode() + b"\n" for event in seen[:-1]]
    assert [d for d in check_trace(lines) if d.severity is Severity.ERROR] == []


def test_a_server_on_every_interface_is_told_at_an_address_that_others_can_ask() -> None:
    with serving(TRIP, "--host", "0.0.0.0") as served:
        assert not ip_address(str(urlsplit(served.base_url).hostname)).is_unspecified
        assert served.ask("GET", "/api")[0] == 200


def test_an_address_where_nobody_can_listen(tmp_path: Path, trip: Served) -> None:
    import subprocess
    import sys

    port = trip.netloc.rpartition(":")[2]
    command = [sys.executable, "-m", "cml", "serve", "--backend", TRIP, "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"127.0.0.1:{port}: no server can listen there" in done.stderr
