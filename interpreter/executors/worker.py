"""What runs in a worker process: one call after another, within its limits.

The process belongs to one pool. It leads a group of its own, so that all it started can be ended
with it, and it ends with whoever asks: a host that was killed leaves none behind.
"""

import faulthandler
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Final, TypeAlias

import msgspec

Task: TypeAlias = tuple[Callable[..., object], Sequence[object], Mapping[str, object]]
"""What is asked of a worker: a function and its arguments, as they were pickled."""

_OUTPUTS: Final = {1: "stdout", 2: "stderr"}
_GROWN: Final = 0.5
"""A part of its memory after which a worker is replaced: what leaked is not the next call's fault."""


class Answer(msgspec.Struct, frozen=True):
    """What a worker says of a task.

    Args:
        value: What the function returned; None if it raised.
        error: What it raised, or what was wrong with the task or the value; else None.
        has_grown: Whether the worker should be replaced, for the memory that it did not give back.
    """

    value: object = None
    error: BaseException | None = None
    has_grown: bool = False


def serve(tasks: "Connection", prints: "Connection", memory_bytes: int | None) -> None:
    """Do tasks until there are no more, or until whoever asks is gone.

    Args:
        tasks: Brings them, pickled, and takes the answers; an empty one is the last.
        prints: Takes what is printed, by whatever means.
        memory_bytes: How much more memory may be written to than now; None for any.
    """
    _stand_alone()
    _print_to(prints)
    faulthandler.enable(sys.stderr)  # where a call crashes stands in what it printed
    fresh_bytes = written_bytes()
    if memory_bytes is not None:
        limit_memory(fresh_bytes + memory_bytes)
    tasks.send_bytes(b"")
    while task := _next_task(tasks):
        answer = _done(task)
        _print_to(prints)
        if memory_bytes is not None:
            grown = written_bytes() - fresh_bytes > _GROWN * memory_bytes
            answer = msgspec.structs.replace(answer, has_grown=grown)
        tasks.send_bytes(_pickled(answer))


def written_bytes() -> int:
    """Return how much memory of its own this process may write to; 0 where that is not known."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - the fewest objects
            pages = int(file.read().split()[5])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGESIZE")


def limit_memory(limit_bytes: int) -> None:
    """Let this process write to no more memory of its own; what asks for more gets a MemoryError.

    Not RLIMIT_AS: that counts what threads reserve and never touch.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _stand_alone() -> None:
    os.setsid()  # a terminal's Ctrl-C is for the host, which ends its workers itself
    _open_to_ctrl_c()
    parent = parent_process()
    if parent is not None:
        watching = threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True)
        watching.start()


def _open_to_ctrl_c() -> None:
    """Take the signal again, for the sake of programs that functions start; one that came is dropped."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, handler)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _print_to(prints: "Connection") -> None:
    """Send both outputs to the host: also those of C code, and of programs that a function runs.

    It is done anew after each task, which may have closed an output, or put something in its place.
    """
    for descriptor, name in _OUTPUTS.items():
        with suppress(Exception):  # it may be anything, or gone
            getattr(sys, name).flush()
        os.dup2(prints.fileno(), descriptor)
        stream = open(  # noqa: SIM115 - a descriptor, which stays open
            descriptor, "w", 1, "utf-8", "backslashreplace", closefd=False
        )
        setattr(sys, name, stream)


def _next_task(tasks: "Connection") -> bytes:
    try:
        return tasks.recv_bytes()
    except EOFError:
        return b""


def _done(task: bytes) -> Answer:
    try:
        function, args, kwargs = pickle.loads(task)  # noqa: S301 - of the host's own making
        return Answer(function(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the task
        return Answer(error=error)


def _pickled(answer: Answer) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception as error:  # noqa: BLE001  a value of somebody else's
        told = TypeError(f"it cannot be carried to another process: {error}")
        return pickle.dumps(msgspec.structs.replace(answer, value=None, error=told))
