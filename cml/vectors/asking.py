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
_IS_THERE: Final = (HTTPException, ConnectionResetError, BrokenPipeError)
"""What a server raises that was reached, and broke off."""
_LONGEST_TOLD: Final = 200
_NO_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What an answer is that is none: of other bytes, or nested without end."""


class ImplementationError(ValueError):
    """An implementation that does not answer as the protocol says."""


def is_server(word: str) -> bool:
    """Whether a word is the address of a server, and no program."""
    return word.partition("://")[0] in _CONNECTIONS


def ask_program(
    command: Sequence[str], asked: Mapping[str, Question], timeout_s: float
) -> dict[str, list[str]]:
    """Ask a program all questions. Where it breaks off, what it had answered counts.

    Args:
        command: The program and its arguments.
        asked: The questions, by their ids.
        timeout_s: Seconds that it may take for all.

    Returns:
        What is wrong with its answers, by id; those that are right are left out.

    Raises:
        ImplementationError: It cannot be started, breaks off before its first answer, or writes something
            else.
    """
    output, broke_off = _written(command, [each.request for each in asked.values()], timeout_s)
    *lines, last = output.split(b"\n")
    answers = dict(_answers(lines if broke_off else [*lines, last]))
    if broke_off and not answers:
        raise ImplementationError(f"{command[0]}: {broke_off}")
    found = {name: _judged(each, answers.get(name), broke_off) for name, each in asked.items()}
    return {name: differences for name, differences in found.items() if differences}


def _written(
    command: Sequence[str], requests: Sequence[msgspec.Struct], timeout_s: float
) -> tuple[bytes, str]:
    """Return what a program writes, and how it broke off; nothing where it did not."""
    lines = msgspec.json.Encoder().encode_lines(requests)
    try:
        done = subprocess.run(  # noqa: S603 - running this command is what was asked for
            command, input=lines, stdout=subprocess.PIPE, timeout=timeout_s, check=False
        )
    except OSError as error:
        whole = len(command) == 1 and " " in command[0]
        advice = "; write the command without quotes around it" if whole else ""
        told = f"{command[0]}: cannot be started: {error.strerror}{advice}"
        raise ImplementationError(told) from None
    except subprocess.TimeoutExpired as error:
        return error.stdout or b"", _too_slow(timeout_s)
    return done.stdout, f"ended with the status {done.returncode}" if done.returncode else ""


def ask_server(url: str, asked: Mapping[str, Question], timeout_s: float) -> dict[str, list[str]]:
    """Ask a server all questions, one after another. One that it does not answer is wrong, and the next is asked.

    Args:
        url: Where it takes them.
        asked: The questions, by their ids.
        timeout_s: Seconds that it may take for all.

    Returns:
        What is wrong with its answers, by id; those that are right are left out.

    Raises:
        ImplementationError: It cannot be reached, or its first answer takes too long.
    """
    until_s = time.monotonic() + timeout_s
    found: dict[str, list[str]] = {}
    try:
        address = urlsplit(url)
        opened = _CONNECTIONS[address.scheme](address.netloc)
    except (HTTPException, ValueError) as error:
        raise ImplementationError(f"{url}: {_fault(error, timeout_s)}") from None
    with closing(opened) as connection:
        for number, (name, question) in enumerate(asked.items()):
            try:
                _limit(connection, until_s)
                status, body = _posted(connection, address, msgspec.json.encode(question.request))
            except (OSError, HTTPException, ValueError) as error:
                told = _fault(error, timeout_s)
                if number == 0 and not isinstance(error, _IS_THERE):
                    raise ImplementationError(f"{url}: {told}") from None
                found[name] = [f"no answer: it {told}"]
                connection.close()
            else:
                found[name] = _judged(question, body) if status == 200 else [_refusal(status, body)]
    return {name: differences for name, differences in found.items() if differences}


def _fault(error: Exception, timeout_s: float) -> str:
    """Return what becomes of a question that raised something on its way."""
    if isinstance(error, TimeoutError):
        return _too_slow(timeout_s)
    return f"cannot be asked: {str(error) or type(error).__name__}"


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


def _too_slow(timeout_s: float) -> str:
    return f"did not answer within {timeout_s:g} s; give it more by --timeout"


def _answers(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=Identified).id, line
        except _NO_JSON as error:
            raise ImplementationError(f"line {number} of its output: {error}") from None


def _judged(question: Question, answer: bytes | None, broke_off: str = "") -> list[str]:
    if answer is None:
        return [f"no answer: it {broke_off}" if broke_off else "no answer"]
    try:
        return list(question.differences(answer))
    except _NO_JSON as error:
        return [f"not an answer as vector-answer.schema.json has it: {error}"]
