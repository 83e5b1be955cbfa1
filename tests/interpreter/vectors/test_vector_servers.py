"""`cml vectors URL`: a server is asked the vectors, one a POST; whatever it does, the rest are asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from click.testing import CliRunner, Result

from interpreter.vectors.answer import answer
from interpreter.vectors.questions import CATEGORIES
from model_adapters.conformance.vectors_command import vectors_command

INVALID = sorted(CATEGORIES["invalid"]())
Answer = Callable[[BaseHTTPRequestHandler, bytes], tuple[int, bytes]]


def reference(_: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(answer(body))


class Server(ThreadingHTTPServer):
    """Says nothing of who has gone away: another test may listen to standard error by then."""

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def serving(answers: Answer, protocol: str = "HTTP/1.1") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def do_POST(self) -> None:
            status, body = answers(self, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/answers?of=us"
        finally:
            server.shutdown()
            thread.join()


def ask(*words: str) -> Result:
    return CliRunner().invoke(vectors_command, ["--only", "invalid", *words])


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
def test_a_server_that_keeps_its_connection_and_one_that_does_not(protocol: str) -> None:
    asked = []

    def noting(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        asked.append(
            (handler.path, handler.headers["Content-Type"], msgspec.json.decode(body)["id"])
        )
        return reference(handler, body)

    with serving(noting, protocol) as url:
        found = ask(url)
    assert (found.exit_code, found.stderr) == (0, "")
    assert sorted(asked) == [("/answers?of=us", "application/json", name) for name in INVALID]


def test_a_connection_that_was_closed_while_idle_is_opened_again() -> None:
    def closing(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        handler.close_connection = True  # and no header says so
        return reference(handler, body)

    with serving(closing) as url:
        assert ask(url).exit_code == 0


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, b"out of \x1b[2Jorder", "expected the status 200, found 500: out of ␛[2Jorder"),
        (204, b"", "expected the status 200, found 204"),
        (200, b"{", "not an answer as vector-answer.schema.json has it"),
        (200, b'{"id": "\xff"}', "not an answer as vector-answer.schema.json has it"),
    ],
)
def test_one_answer_that_is_none_is_told_and_the_others_are_asked(
    status: int, body: bytes, told: str
) -> None:
    def failing(handler: BaseHTTPRequestHandler, request: bytes) -> tuple[int, bytes]:
        is_first = msgspec.json.decode(request)["id"] == INVALID[0]
        return (status, body) if is_first else reference(handler, request)

    with serving(failing) as url:
        found = ask(url)
    assert found.exit_code == 1
    assert f"\nFAIL {INVALID[0]} (" in found.stdout
    assert told in found.stdout
    assert f"{len(INVALID) - 1} passed, 1 failed" in found.stdout


def test_a_server_that_hangs_is_cut_off() -> None:
    ended = threading.Event()

    def hanging(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        ended.wait()
        return reference(handler, body)

    with serving(hanging) as url:
        found = ask(url, "--timeout", "0.2")
        ended.set()
    assert found.exit_code == 1
    assert "did not answer within 0.2 s" in found.stderr


def test_a_question_that_a_server_breaks_off_at_is_wrong_and_the_others_are_asked() -> None:
    def failing(handler: BaseHTTPRequestHandler, request: bytes) -> tuple[int, bytes]:
        if msgspec.json.decode(request)["id"] in INVALID[:2]:
            raise RuntimeError("no answer to that")
        return reference(handler, request)

    with serving(failing) as url:
        found = ask(url)
    assert found.exit_code == 1
    assert f"{len(INVALID) - 2} passed, 2 failed" in found.stdout
    assert "no answer: it cannot be asked: " in found.stdout


def test_a_server_that_hangs_midway_has_given_the_answers_before() -> None:
    ended = threading.Event()

    def hanging(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if msgspec.json.decode(body)["id"] == INVALID[3]:
            ended.wait()
        return reference(handler, body)

    with serving(hanging) as url:
        found = ask(url, "--timeout", "2")
        ended.set()
    assert found.exit_code == 1
    assert f"3 passed, {len(INVALID) - 3} failed" in found.stdout
    assert "no answer: it did not answer within 2 s" in found.stdout


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.0.0.1:x", "http://[", "http://"])
def test_a_server_that_is_not_there_is_told(url: str) -> None:
    found = ask(url)
    assert found.exit_code == 1
    assert found.stderr.startswith(f"Error: {url}: cannot be asked: ")


def test_nothing_follows_a_url() -> None:
    assert ask("http://127.0.0.1:1", "more").exit_code == 2
