"""A worker process, as its pool sees it: given tasks, heard, and ended."""

import atexit
import codecs
import functools
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_all_start_methods, get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from interpreter.executors.worker import Answer, serve
from interpreter.tools.calling import call_function

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_ENDING_S: Final = 5.0
_CHUNK_BYTES: Final = 65_536


class WorkerLost(RuntimeError):
    """The process that ran a call ended before the call did."""


class WorkerProcess:
    """One process, and the pipes to it. It belongs to one thread, but for `kill`.

    Args:
        memory_bytes: How much memory it may write to beyond what it begins with; None for any.

    Raises:
        OSError: The system has no more processes or pipes.
        WorkerLost: It ended as it began: the program that it is to load cannot be loaded.
    """

    def __init__(self, memory_bytes: int | None) -> None:
        context = _context()
        self._tasks, theirs = context.Pipe()
        self._prints, printing = context.Pipe(duplex=False)
        self._process = context.Process(
            target=serve, args=(theirs, printing, memory_bytes), name="cml-worker"
        )
        with _ctrl_c_held_back():
            self._process.start()
        self._is_over = False
        theirs.close()
        printing.close()
        _ALL.add(self)
        try:
            self._tasks.recv_bytes()  # it says that it is there: no call waits for it at its own cost
        except EOFError:
            raise WorkerLost(self._how_it_ended()) from None

    @property
    def is_alive(self) -> bool:
        """Whether it can take a task: one that has none says nothing, unless it ends."""
        return not (self._is_over or self._tasks.poll())

    def answer(
        self, task: bytes, prints: Callable[[str], object], longest_s: float | None
    ) -> Answer:
        """Have a task done; wait for it.

        Args:
            task: A function and its arguments, pickled.
            prints: Takes what is printed meanwhile.
            longest_s: How long it may take, in seconds; the process is killed then.
        """
        until_s = None if longest_s is None else time.monotonic() + longest_s
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        sources: list[Connection | int] = [self._tasks, self._prints, self._process.sentinel]
        with suppress(OSError, EOFError):  # it died: what was sent is lost
            self._tasks.send_bytes(task)
            while ready := wait(sources, _left_s(until_s)):
                if self._prints in ready:
                    if not (written := os.read(self._prints.fileno(), _CHUNK_BYTES)):
                        sources.remove(self._prints)
                    prints(decode(written))
                elif self._tasks in ready:
                    return _read(self._tasks.recv_bytes())
                else:
                    break
            else:
                self.kill()
                return Answer(error=TimeoutError(f"it ran for {longest_s:g} s, and was ended"))
        self._is_over = True
        return Answer(error=WorkerLost(self._how_it_ended()))

    def end(self) -> None:
        """Let it end: it has nothing to do."""
        with suppress(OSError):
            self._tasks.send_bytes(b"")
        self._process.join(_ENDING_S)
        self.kill()  # what it started goes with it

    def kill(self) -> None:
        """End it, and all that it started, now."""
        self._is_over = True
        with suppress(ProcessLookupError, PermissionError):
            if self._process.pid is not None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def _how_it_ended(self) -> str:
        self._process.join(_ENDING_S)
        status = self._process.exitcode
        if status is None:
            return "the process that ran it closed its pipe"
        if status >= 0:
            return f"the process that ran it ended, with status {status}"
        return f"the process that ran it was killed by {signal.Signals(-status).name}"


def _read(message: bytes) -> Answer:
    """Read what a worker of ours has written; what it holds may refuse to be read."""
    try:
        answer: Answer = pickle.loads(message)  # noqa: S301 - of our worker's making
    except Exception as error:  # noqa: BLE001  an error of somebody else's
        return Answer(error=error)
    return answer


def _left_s(until_s: float | None) -> float | None:
    return None if until_s is None else max(0.0, until_s - time.monotonic())


@functools.cache
def _context() -> "ForkServerContext | SpawnContext":
    """Return how workers are started: forked from a server that has loaded what they need, and has
    no threads. It is a matter of milliseconds then.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([serve.__module__, call_function.__module__])
    return context


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Have a process that is started here take no Ctrl-C: while Python loads what it needs, which is
    long before our first line runs there, it would answer with a traceback on the terminal.

    The mask is inherited, by the server of forks too. A worker opens it when it stands alone.
    """
    resource_tracker.ensure_running()  # Python starts it on the way, and opens the mask after that
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kill_all() -> None:
    for worker in tuple(_ALL):
        worker.kill()


_ALL: Final[WeakSet[WorkerProcess]] = WeakSet()
atexit.register(_kill_all)  # before multiprocessing's own, which would wait for them
