"""`cml chat`: in a pipe, at a terminal, and with Ctrl-C."""

import re
import signal
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import running
import terminals

from interpreter.events import Began, Said
from interpreter.trace import read_trace

if TYPE_CHECKING:
    from conftest import Cml, Files

TOOLS = '''
import threading
from pathlib import Path

GATE = threading.Event()

def waits() -> str:
    """Wait until the file `open` is there."""
    while not Path("open").exists():
        GATE.wait(0.01)
    return "opened"
'''
TURNS = (
    "One. [CALL] a [HEAD] waits() [END] [TRAP][END] Heard. [TRAP] all [END] Done."
    "\fTwo. [CALL] b [HEAD] waits() [END] [TRAP] all [END] Done again."
)
CHAT = ("chat", "--tools", "waits.py", "--backend", "script:turns.cml", "--trace", "chat.jsonl")


@pytest.fixture
def chat(files: "Files") -> "Files":
    (files.folder / "waits.py").write_text(TOOLS, encoding="utf-8")
    (files.folder / "turns.cml").write_text(TURNS, encoding="utf-8")
    return files


class Piped(AbstractContextManager["Piped"]):
    """A chat in a process of its own, spoken to through a pipe."""

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def __init__(self) -> None:
        self.process = running.process(
            *CHAT, stdin=subprocess.PIPE, environment={"PYTHONUNBUFFERED": "1"}
        )
        self.seen = ""

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def see(self, words: str) -> None:
        assert self.process.stdout
        while words not in self.seen:
            line = self.process.stdout.readline()
            assert line, self.seen
            self.seen += line.decode()

    def ended_by_ctrl_c(self) -> int:
        """Press Ctrl-C until it ends; its input stays open."""
        for _ in range(12):
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(5)
        raise AssertionError(self.seen)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, self.seen + out.decode(), err.decode()


@pytest.fixture
def piped(chat: "Files") -> Iterator[Piped]:
    with Piped() as made:
        yield made


def events(folder: Path) -> list[object]:
    with (folder / "chat.jsonl").open("rb") as file:
        _, rows = read_trace(file)
        return [row.event for row in rows]


def test_what_comes_while_the_model_writes_goes_in_as_an_interrupt(
    chat: "Files", piped: Piped, cml: "Cml"
) -> None:
    piped.say("hello")
    piped.see("▶ a starts")
    piped.say("hurry up \x1b[31m")
    piped.see("interrupt user1 goes in")
    Path("open").touch()
    piped.see("Done.")
    piped.say("")
    piped.say("and now?")
    piped.see("> and now?")
    status, out, err = piped.end()
    assert (status, err) == (0, "")
    assert out.startswith("> hello\n")
    assert out.endswith("Done again.\n")
    assert not [c for c in out if c != "\n" and unicodedata.category(c) == "Cc"]
    said = [e for e in events(chat.folder) if isinstance(e, Began | Said)]
    assert said == [Began(), Said("hurry up \x1b[31m"), Began("and now?")]
    assert cml("validate", "chat.jsonl").status == 0
    assert cml("replay", "chat.jsonl").status == 0


def test_ctrl_c_stops_the_turn_and_the_chat_goes_on(
    chat: "Files", piped: Piped, cml: "Cml"
) -> None:
    piped.say("hello")
    piped.see("⏸ trap")
    piped.process.send_signal(signal.SIGINT)
    piped.see("stopped")
    Path("open").touch()
    piped.say("something else, then")
    piped.see("interrupt a goes in")
    status, out, _ = piped.end()
    assert status == 0
    assert "> something else, then\n" in out
    assert "Heard." in out
    assert cml("validate", "chat.jsonl").status == 0


def test_ctrl_c_where_nothing_is_done_leaves(chat: "Files", piped: Piped) -> None:
    Path("open").touch()
    piped.say("hello")
    piped.see("Done.")
    assert piped.ended_by_ctrl_c() == 130


def test_a_second_ctrl_c_leaves_though_a_function_never_ends(chat: "Files", piped: Piped) -> None:
    piped.say("hello")
    piped.see("⏸ trap")
    piped.process.send_signal(signal.SIGINT)
    piped.see("stopped")
    assert piped.ended_by_ctrl_c() == 130


def test_nothing_said_is_no_chat(chat: "Files", piped: Piped) -> None:
    piped.say(" ")
    status, out, err = piped.end()
    assert (status, out) == (2, "")
    assert "Error: nothing is asked: standard input holds no words" in err


def test_what_follows_an_empty_line_waits_for_the_answer(
    chat: "Files", piped: Piped, cml: "Cml"
) -> None:
    Path("open").touch()
    for line in ("", "one", "", "two", "and quickly"):
        piped.say(line)
    status, out, err = piped.end()
    assert (status, err) == (0, "")
    assert out.startswith("> one\n")
    said = [e for e in events(chat.folder) if isinstance(e, Began | Said)]
    assert said == [Began(), Began("two"), Said("and quickly")]
    assert out.index("Done.") < out.index("> two")
    assert cml("validate", "chat.jsonl").status == 0


def test_lines_that_are_there_already_are_all_heard(chat: "Files", piped: Piped) -> None:
    Path("open").touch()
    for line in ("one", "two", "three"):
        piped.say(line)
    status, out, err = piped.end()
    assert (status, err) == (0, "")
    heard = [e for e in events(chat.folder) if isinstance(e, Began | Said)]
    words = [e.prompt if isinstance(e, Began) else e.text for e in heard]
    assert [word for word in words if word] == ["two", "three"]
    assert out.startswith("> one\n")


def test_at_a_terminal_one_types_below_what_the_model_writes(
    chat: "Files", tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("state")
    terminal = terminals.Terminal(*CHAT, home=home)
    terminal.wait_for(">")
    terminal.press("hello\r")
    terminal.wait_for("running: a waits")
    terminal.press("hurry")
    terminal.wait_for(lambda text: text.endswith("> hurry"))
    terminal.press(" up\r")
    terminal.wait_for("interrupt user1 goes in")
    terminal.wait_for("Heard. [TRAP] all [END]")
    terminal.press("\x03")
    terminal.wait_for("stopped")
    terminal.press("\x1b[A")  # the line before
    terminal.wait_for(lambda text: text.endswith("> hurry up"))
    terminal.press("\x03")
    assert terminal.end() == 130
    assert (home / "cml" / "chat_history").stat().st_mode & 0o777 == 0o600


DYING = """
from interpreter.session import Piece

class Dying:
    count = 0

    def decode(self):
        self.count += 1
        if self.count == 4:
            raise RuntimeError("gone")
        return Piece("word ")

    def append(self, batch): return 1
    def rewind(self, characters): pass
    def close(self): pass

def open_session(request): return Dying()
"""
DIES = ("hi", "--tools", "waits.py", "--backend", "python:dying:open_session")
DIED = "word word word\nError: python:dying:open_session: decode() raised RuntimeError: gone"


@pytest.mark.parametrize("command", ["run", "chat"])
def test_where_a_model_dies_its_last_words_stay_and_the_error_stands_below(
    chat: "Files", command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (chat.folder / "dying.py").write_text(DYING, encoding="utf-8")
    run = running.process(command, *DIES, stdin=subprocess.DEVNULL)
    out, err = run.communicate(timeout=60)
    assert out.endswith(b"word word word \n")
    assert err.startswith(b"Error: ")
    home = tmp_path_factory.mktemp("state")
    terminal = terminals.Terminal(command, *DIES, home=home, columns=200)
    assert terminal.end() == 1
    assert DIED in terminal.text


FULL = """
from interpreter.session import CONTEXT_LEFT, EndOfDecoding, Piece

class Full:
    abilities = frozenset({CONTEXT_LEFT})
    context_left = 1

    def decode(self):
        if not self.context_left:
            return EndOfDecoding("length")
        self.context_left = 0
        return Piece("word")

    def append(self, batch): return 1
    def rewind(self, characters): pass
    def close(self): self.context_left = 1

def open_session(request): return Full()
"""


@pytest.mark.parametrize(("command", "status"), [("run", 3), ("chat", 0)])
def test_a_context_that_is_full_is_told_from_a_limit_of_tokens(
    chat: "Files", command: str, status: int
) -> None:
    (chat.folder / "full.py").write_text(FULL, encoding="utf-8")
    words = (command, "hi", "--tools", "waits.py", "--backend", "python:full:open_session")
    run = running.process(*words, stdin=subprocess.DEVNULL)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == status
    assert out.endswith(b"\nstopped: the context is full\n")


def test_a_live_run_tells_at_the_foot_what_runs(
    chat: "Files", tmp_path_factory: pytest.TempPathFactory
) -> None:
    terminal = terminals.Terminal(
        "run", "hi", *CHAT[1:5], home=tmp_path_factory.mktemp("state"), columns=60
    )
    terminal.wait_for(
        lambda text: re.search(r"\nrunning: a waits [1-9]\d*\.\d s$", text) is not None
    )
    Path("open").touch()
    assert terminal.end() == 0
    assert "◀ a returned after" in terminal.text
    assert "\nrunning:" not in terminal.text
