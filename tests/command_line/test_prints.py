"""What tools print breaks no output, is kept and is told; --isolate calls them in other processes."""

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import process

if TYPE_CHECKING:
    from conftest import Cml, Files

TALKING = """
import os, subprocess, sys, threading, time
from interpreter.tools.declared import tool

print("loaded \\x1b[31m")

def says(word: str) -> str:
    "Says something."
    print(word, "\\x1b[2J")
    print(word, "aside", file=sys.stderr)
    os.write(1, b"of C\\n")
    subprocess.run([sys.executable, "-c", "print('of a program')"], check=True)
    return word

async def says_later(word: str) -> str:
    print("later", word)
    return word

def starts() -> None:
    "Lets a thread of its own speak."
    beside = threading.Thread(target=print, args=("beside",))
    beside.start()
    beside.join()

@tool(deadline_s=1)
def hangs() -> None:
    "Never comes back."
    print("begun", flush=True)
    time.sleep(600)

def crashes() -> None:
    "Crashes."
    import ctypes
    ctypes.string_at(0)
"""
# Where calls run in processes, the last one finds one that runs: its deadline is its own.
SCRIPT = (
    'Hi. [CALL] a [HEAD] says("A") [END] [CALL] b [HEAD] says_later("B") [END] [CALL] c [HEAD] starts() [END]'
    " [TRAP] all [END] [CALL] d [HEAD] hangs() [END] [TRAP] all [END] Done."
)
RUN = ("run", "hi", "--tools", "talking.py", "--backend", "script:talks.cml")


@pytest.fixture
def talking(files: "Files") -> Path:
    (files.folder / "talking.py").write_text(TALKING, encoding="utf-8")
    (files.folder / "talks.cml").write_text(SCRIPT, encoding="utf-8")
    return files.folder


def test_json_is_one_document_and_prints_are_in_it(talking: Path) -> None:
    out, err = process(*RUN, "--json").communicate(timeout=60)
    document = json.loads(out)
    assert document["ending"] == "answered"
    printed = document["printed"]
    assert printed == {"a": "A \x1b[2J\nA aside\n", "b": "later B\n", "d": "begun\n"}
    said = err.decode()
    assert "printed while tools were loaded: loaded ␛[31m" in said
    assert "a printed: A ␛[2J␊A aside" in said
    assert "printed outside of calls: beside" in said
    assert "of a program" in said  # past Python, it can be sent elsewhere and not be kept
    assert "\x1b" not in said


def test_in_processes_of_their_own_what_goes_past_python_is_kept_too(talking: Path) -> None:
    out, err = process(*RUN, "--json", "--isolate").communicate(timeout=60)
    printed = json.loads(out)["printed"]
    lines = printed["a"].splitlines()
    assert {*lines} >= {"A \x1b[2J", "A aside", "of C", "of a program"}
    assert "later B" in printed["b"]
    assert "beside" in printed["c"]
    assert "begun" in printed["d"]
    assert b"left behind" not in err  # the deadline has ended it


def test_a_crash_is_an_answer_and_the_session_goes_on(cml: "Cml", talking: Path) -> None:
    (talking / "talks.cml").write_text("[CALL] a [HEAD] crashes() [END] [TRAP][END] So.", "utf-8")
    found = cml(*RUN, "--isolate", "--trace", "t.jsonl")
    assert found.status == 0
    assert "WorkerLost" in found.out
    assert "was killed by SIGSEGV" in (talking / "t.jsonl").read_text(encoding="utf-8")


def test_in_a_conversation_prints_are_told_between_the_lines(talking: Path) -> None:
    chat = process("chat", *RUN[1:], "--isolate", stdin=subprocess.PIPE)
    out, _ = chat.communicate(b"\n", timeout=60)
    assert "a printed: loaded ␛[31m␊A ␛[2J" in out.decode()
    assert b"\x1b" not in out


def test_memory_is_bounded_where_there_are_processes(cml: "Cml", talking: Path) -> None:
    found = cml(*RUN, "--memory", "64")
    assert found.status == 2
    assert "it needs --isolate" in found.err
