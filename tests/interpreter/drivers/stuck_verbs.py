"""Sessions whose verbs end when a test says so, and what is told meanwhile."""

import io
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from time import sleep

from interpreter import EndOfDecoding, Piece, ScriptedSession
from interpreter.events import Row
from interpreter.session import Batch
from interpreter.state import Settings
from interpreter.trace import Header, check_trace, journal

A_WHILE_S = 0.3
"""Longer than whoever does not wait takes to go on, and than a wait that looks only once."""
AT_THE_END = Settings(end="cancel")
"""Where a call is cancelled at the end its interrupt is what the session is asked last."""


class Stuck(ScriptedSession):
    """Decodes its first piece when it is let."""

    def __init__(self, pieces: Iterable[Piece | EndOfDecoding | str]) -> None:
        super().__init__(pieces)
        self.begun, self.goes_on = threading.Event(), threading.Event()

    def decode(self) -> Piece | EndOfDecoding:
        self.begun.set()
        assert self.goes_on.wait(120)
        return super().decode()

    def lets_go_on(self, rows: Iterable[Row]) -> None:
        """A journal that lets it go on, a while after the turn is stopped."""
        if any(row.rule == "Step/stop" for row in rows):
            threading.Timer(A_WHILE_S, self.goes_on.set).start()


class SlowAtTheEnd(ScriptedSession):
    """Takes a while to append, or as long as it is held."""

    def __init__(self, pieces: Iterable[Piece | EndOfDecoding | str]) -> None:
        super().__init__(pieces)
        self.held: threading.Event | None = None

    def append(self, batch: Batch) -> int:
        if self.held is None:
            sleep(A_WHILE_S)
        else:
            assert self.held.wait(120)
        return super().append(batch)


class Kept:
    """A journal that keeps its rows, and lines of a trace."""

    def __init__(self, functions: tuple[str, ...] = ("f",)) -> None:
        self.rows: list[Row] = []
        self.file = io.BytesIO()
        self.write = journal(self.file, Header(1, Settings(functions=functions), "real"))

    def __call__(self, rows: list[Row]) -> None:
        self.rows += rows
        self.write(rows)

    @property
    def rules(self) -> list[str]:
        return [row.rule for row in self.rows]

    @property
    def diagnostics(self) -> list[object]:
        return list(check_trace(self.file.getvalue().splitlines(keepends=True)))


class Never(Executor):
    """An executor that never gets to a call."""

    def submit(self, function, /, *args, **kwargs) -> Future[object]:
        return Future()


def at(rule: str, act: Callable[[], object]) -> Callable[[list[Row]], None]:
    """A journal that does something at each row of a rule."""

    def write(rows: list[Row]) -> None:
        if any(row.rule == rule for row in rows):
            act()

    return write


@contextmanager
def logged() -> Iterator[list[str]]:
    """What is logged meanwhile."""
    told: list[str] = []
    listening = logging.Handler()
    listening.emit = lambda record: told.append(record.getMessage())
    logger = logging.getLogger("interpreter")
    logger.addHandler(listening)
    try:
        yield told
    finally:
        logger.removeHandler(listening)


def both(*journals: Callable[[list[Row]], object]) -> Callable[[list[Row]], None]:
    """One journal out of several."""

    def write(rows: list[Row]) -> None:
        for each in journals:
            each(rows)

    return write
