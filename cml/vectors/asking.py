"""How an implementation is asked vectors: as a program, or as a server (spec/vectors/README.md).

A program reads one request a line on standard input and writes one answer a line on standard output, in
any order. A server is sent one request a POST, and its response is the answer.
"""

import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection, RemoteDisconnected
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from cml.vectors.runner import Identified, Question

_CONNECTIONS: Final = {"http": HTTPConnection, "https": HTTPSConnection}
_JSON: Final = {"Content-Type": "application/json"}
_LONGEST_TOLD: Final = 200


class ImplementationError(ValueError):
    """An implementation that does not answer as the protocol says."""


def is_server(word: str) -> bool:
    """Whether a word is the address of a server, and no program."""
    return word.partition("://")[0] in _CONNECTIONS


def ask_program(
    command: Sequence[str], asked: Mapping[str, Question], timeout_s: float
) -> dict[str, list[str]]:
    """Ask a program all questions.

    Args:
        command: The program and its arguments.
        asked: The questions, by their ids.
        timeout_s: Seconds that it may take for all.

    Returns:
        What is wrong with its answers, by id; those that are right are left out.

    Raises:
        ImplementationError: It cannot be started, fails, takes too long, or writes something else.
    """
    lines = msgspec.json.Encoder().encode_lines([question.request for question in asked.values()])
    try:
        done = subprocess.run(  # noqa: S603 - running this command is what was asked for
            command, input=lines, stdout=subprocess.PIPE, timeout=timeout_s, check=True
        )
    except OSError as error:
        raise ImplementationError(f"{command[0]}: cannot be started: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        raise ImplementationError(
            f"{command[0]}: ended with the status {error.returncode}"
        ) from None
    except subprocess.TimeoutExpired:
        raise _too_slow(command[0], timeout_s) from None
    answers = dict(_answers(done.stdout.split(b"\n")))
    found = {name: _judged(question, answers.get(name)) for name, question in asked.items()}
    return {name: differences for name, differences in found.items() if differences}


def ask_server(url: str, asked: Mapping[str, Question], timeout_s: float) -> dict[str, list[str]]:
    """Ask a server all questions, one after another.

    Args:
        url: Where it takes them.
        asked: The questions, by their ids.
        timeout_s: Seconds that it may take for all.

    Returns:
        What is wrong with its answers, by id; those that are right are left out.

    Raises:
        ImplementationError: It cannot be reached, breaks off, or takes too long.
    """
    until_s = time.monotonic() + timeout_s
    found: dict[str, list[str]] = {}
    try:
        address = urlsplit(url)
        with closing(_CONNECTIONS[address.scheme](address.netloc)) as connection:
            for name, question in asked.items():
                _limit(connection, until_s)
                status, body = _posted(connection, address, msgspec.json.encode(question.request))
                found[name] = _judged(question, body) if status == 200 else [_refusal(status, body)]
    except TimeoutError:
        raise _too_slow(url, timeout_s) from None
    except (OSError, HTTPException, ValueError) as error:
        raise ImplementationError(f"{url}: cannot be asked: {_words(error)}") from None
    return {name: differences for name, differences in found.items() if differences}


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _limit(connection: HTTPConnection, until_s: float) -> None:
    """Let what comes take no longer than what is left of the time."""
    connection.timeout = until_s - time.monotonic()
    if connection.timeout <= 0:
        raise TimeoutError
    if connection.sock is not None:
        connection.sock.settimeout(connection.timeout)


def _posted(connection: HTTPConnection, address: SplitResult, body: bytes) -> tuple[int, bytes]:
    """Send a request; once more if the server had closed a connection that was idle."""
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    was_open = connection.sock is not None
    try:
        connection.request("POST", path, body, _JSON)
        response = connection.getresponse()
    except (RemoteDisconnected, ConnectionError):
        connection.close()
        if not was_open:
            raise
        return _posted(connection, address, body)
    return response.status, response.read()


def _refusal(status: int, body: bytes) -> str:
    told = body[:_LONGEST_TOLD].decode(errors="replace").strip()
    return f"expected the status 200, found {status}" + (f": {told}" if told else "")


def _too_slow(who: str, timeout_s: float) -> ImplementationError:
    return ImplementationError(
        f"{who}: did not answer within {timeout_s:g} s; give it more by --timeout"
    )


def _answers(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=Identified).id, line
        except msgspec.DecodeError as error:
            raise ImplementationError(f"line {number} of its output: {error}") from None


def _judged(question: Question, answer: bytes | None) -> list[str]:
    if answer is None:
        return ["no answer"]
    try:
        return list(question.differences(answer))
    except msgspec.DecodeError as error:
        return [f"not an answer as vector-answer.schema.json has it: {error}"]
