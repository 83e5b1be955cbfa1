"""Sessions for `--backend python:odd_sessions:NAME`, and functions for `--tools`, of the servers that tests start."""

import asyncio
import multiprocessing
import os
import threading
import time
from pathlib import Path

from interpreter import EndOfDecoding, Piece, ScriptedSession
from interpreter.scripted import pieces_of
from model_adapters.opening import Opened, Request

LONG = "word " * 1_000


def long(_: Request) -> ScriptedSession:
    """Writes ten megabytes at once: more than a line holds for one who does not read."""
    return ScriptedSession([LONG] * 2_000)


def broken(_: Request) -> ScriptedSession:
    """Breaks in the middle of a turn."""

    class Broken(ScriptedSession):
        def decode(self) -> Piece | EndOfDecoding:
            if self.context:
                raise ZeroDivisionError("\x1b[31mthe model is gone")
            return super().decode()

    return Broken(["Well, "])


def picky(request: Request) -> ScriptedSession:
    """Cannot be opened for all questions."""
    if request.prompt != "Hello.":
        raise ValueError("not for this one")
    return ScriptedSession([])


def closing(request: Request) -> ScriptedSession:
    """Talks for as long as it may, and writes down that it was closed: in the file that its question names."""

    class Closing(ScriptedSession):
        def close(self) -> None:
            if request.prompt != "Hello.":
                with Path(request.prompt).open("a", encoding="utf-8") as file:
                    file.write("closed\n")

    return Closing(["on and on "] * 100_000, pause_s=0.03)


def misfit(request: Request) -> Opened:
    """Thinks between brackets: no interrupt could go in."""
    return Opened(closing(request), "misfit", regions=(("[", "]"),))


def stubborn(request: Request) -> ScriptedSession:
    """Cannot be closed, but for the first one."""

    class Stubborn(ScriptedSession):
        def close(self) -> None:
            if request.prompt != "Hello.":
                raise OSError("it does not let go")

    return Stubborn(["So."])


def echo(request: Request) -> Opened:
    """Says what it was asked, and how."""
    told = [f"{message.role}: {message.content}" for message in request.chat]
    options = request.max_tokens, request.sampling.temperature, request.sampling.seed
    session = ScriptedSession(["; ".join([*told, request.prompt, str(options)])])
    return Opened(session, "echo", takes=frozenset({"temperature", "seed"}))


def overtaken(_: Request) -> ScriptedSession:
    """Waits for a call; once it is told of it, it lets the function end, and talks on for as long as it may."""
    called = "Wait. [CALL] job1 [HEAD] gated() [END][TRAP][END][CALL] job2 [HEAD] open_gate() [END]"
    return ScriptedSession([*pieces_of(called), *["on and on "] * 100_000], pause_s=0.03)


def patient(_: Request) -> ScriptedSession:
    """Calls something slow, waits for it, and tells; then talks on for as long as it may."""
    called = "Wait. [CALL] job1 [HEAD] slow() [END][TRAP][END]"
    return ScriptedSession([*pieces_of(called), *["on and on "] * 100_000], pause_s=0.03)


def held(_: Request) -> ScriptedSession:
    """Waits for a call that never comes back; what is said meanwhile wakes it."""
    called = "Wait. [CALL] job1 [HEAD] endless() [END][TRAP][END]Yes?"
    return ScriptedSession(pieces_of(called))


def thoughtful(_: Request) -> Opened:
    """Thinks before it calls, and again before it tells."""
    first = "<think>\nA [CALL] in here is none.\n</think>\n\nWell. [CALL] p [HEAD] loud() [END][TRAP][END]"
    session = ScriptedSession(pieces_of(f"{first}<think>\nIt said so.</think>\nIt is done."))
    return Opened(session, "thoughtful", regions=(("<think>", "</think>"),))


def reckless(_: Request) -> ScriptedSession:
    """Calls what prints and what crashes."""
    called = "[CALL] p [HEAD] loud() [END][CALL] c [HEAD] crash() [END][TRAP] all [END]So."
    return ScriptedSession(pieces_of(called))


def loud() -> str:
    """Prints."""
    print("out of line")
    return "said"


def crash() -> None:
    """Takes its process along."""
    if multiprocessing.parent_process() is not None:
        os._exit(3)


async def endless() -> None:
    """Takes until it is cancelled."""
    await asyncio.Event().wait()


GATE = threading.Event()


def gated() -> str:
    """Takes until the gate is open, and prints before and after."""
    print("waits")
    GATE.wait()
    print("went on")
    return "late"


def open_gate() -> None:
    """Opens the gate."""
    GATE.set()


def slow() -> str:
    """Takes a while."""
    time.sleep(3)
    return "late"
