"""A command closes its model session, however it ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import running

if TYPE_CHECKING:
    from conftest import Cml, Files

NAME = "closing_adapter"
ADAPTER = '''
import threading
from interpreter import ScriptedSession
from interpreter.scripted import pieces_of

class Noted(ScriptedSession):
    """Writes down that it was closed, and whether where it was decoded."""

    thread = None

    def decode(self):
        self.thread = threading.current_thread()
        return super().decode()

    def close(self):
        with open("closed", "a") as file:
            file.write(f"closed {threading.current_thread() is self.thread}\\n")

class Broken(Noted):
    def append(self, batch):
        raise OSError("the model is gone")

class Stubborn(Noted):
    def close(self):
        raise OSError("it does not let go")

CALLS = "Hi. [CALL] a [HEAD] slow(1) [END] [TRAP][END] It is done."

def good(_):
    return Noted(pieces_of(CALLS))

def endless(_):
    return Noted(["on and on "] * 100_000, pause_s=0.01)

def broken(_):
    return Broken(pieces_of(CALLS))

def stubborn(_):
    return Stubborn(pieces_of(CALLS))
'''
CLOSED = "closed True\n"


@pytest.fixture
def adapter(files: "Files", monkeypatch: pytest.MonkeyPatch) -> Iterator["Files"]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (files.folder / f"{NAME}.py").write_text(ADAPTER, encoding="utf-8")
    begun = files.trace.read_bytes().splitlines(keepends=True)[0]
    (files.folder / "begun.jsonl").write_bytes(begun)
    yield files
    sys.modules.pop(NAME, None)


def words(command: str, factory: str) -> tuple[str, ...]:
    asked = "begun.jsonl" if command == "resume" else "Hi."
    return (command, asked, "--tools", "good_tools.py", "--backend", f"python:{NAME}:{factory}")


@pytest.mark.parametrize("command", ["run", "resume"])
@pytest.mark.parametrize(("factory", "status"), [("good", 0), ("broken", 1)])
def test_it_is_closed_once_where_its_verbs_are_done(
    adapter: "Files", cml: "Cml", command: str, factory: str, status: int
) -> None:
    assert cml(*words(command, factory)).status == status
    assert Path("closed").read_text(encoding="utf-8") == CLOSED


def test_it_is_closed_where_the_trace_is_not_to_be_had(adapter: "Files", cml: "Cml") -> None:
    assert cml(*words("run", "good"), "--trace", "sqlite:good.db#good").status == 1
    assert Path("closed").read_text(encoding="utf-8") == "closed False\n"


@pytest.mark.parametrize("command", ["run", "resume"])
def test_one_that_breaks_as_it_is_closed_is_told_of_and_its_answer_counts(
    adapter: "Files", cml: "Cml", command: str
) -> None:
    found = cml(*words(command, "stubborn"), "--json")
    assert found.status == 0
    assert "Error: the session could not be closed: " in found.err
    assert "it does not let go" in found.err
    assert "It is done." in found.out


def test_a_chat_closes_it_at_the_end_of_the_input(adapter: "Files") -> None:
    process = running.process(*words("chat", "good"))
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert Path("closed").read_text(encoding="utf-8") == CLOSED


@pytest.mark.parametrize("command", ["run", "resume", "chat"])
def test_it_is_closed_after_ctrl_c(adapter: "Files", command: str) -> None:
    streams = {"stdin": subprocess.PIPE} if command == "chat" else {}
    with running.process(
        *words(command, "endless"), environment={"PYTHONUNBUFFERED": "1"}, **streams
    ) as process:
        assert process.stdout
        seen = b""
        while b"on and on" not in seen:
            seen += (read := process.stdout.read1())
            assert read, seen
        process.send_signal(signal.SIGINT)
        if command == "chat":
            while b"stopped" not in seen:
                seen += (read := process.stdout.read1())
                assert read, seen
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130  # the input of a chat is still open
    assert Path("closed").read_text(encoding="utf-8") == CLOSED
