"""Calls in processes of their own: one that crashes, hangs or leaks takes nobody along."""

import os
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from interpreter.executors.threads import DaemonThreads
from interpreter.executors.worker import Answer
from interpreter.executors.worker_process import WorkerLost, WorkerProcess
from interpreter.tools.progress import CURRENT

P = ParamSpec("P")
T = TypeVar("T")


class Processes(Executor):
    """An executor whose calls run in worker processes, one at a time in each.

    A call that crashes its worker, or runs too long, has failed, and the next one gets another
    worker; to cancel a call is to kill its worker, with all that it started. What a call prints, by
    whatever means, is kept with the call (`Runtime.printed`) and reaches no terminal. Functions,
    arguments and results are pickled. The first worker is started at once, others when they are
    needed; they are kept.

    Args:
        workers: How many there are at most; calls beyond that wait.
        longest_s: How long a call may run, in seconds; None for any time. A deadline of the session
            ends it too.
        memory_bytes: How much memory a worker may write to beyond what it begins with; None for
            any. A call that asks for more gets a MemoryError. A worker that keeps half of it after
            a call is replaced.

    Raises:
        ValueError: A bound is not above zero, or memory cannot be bounded on this system.
    """

    def __init__(
        self,
        workers: int = 16,
        *,
        longest_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        given = {"workers": workers, "longest_s": longest_s, "memory_bytes": memory_bytes}
        if wrong := [name for name, bound in given.items() if bound is not None and not bound > 0]:
            raise ValueError(f"{wrong[0]} is above zero, not {given[wrong[0]]}")
        if os.name != "posix":
            raise ValueError("worker processes that can be ended need POSIX; here give a pool")
        if memory_bytes is not None and not sys.platform.startswith("linux"):
            raise ValueError("memory is bounded on Linux only; leave memory_bytes out")
        self._longest_s = longest_s
        self._memory_bytes = memory_bytes
        self._threads = DaemonThreads("cml-process", workers)
        self._idle: list[WorkerProcess] = []
        self._lock = threading.Lock()
        self._is_shut_down = False
        self._threads.submit(self._start_first)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in a worker.

        Returns:
            Its future. To cancel it while it runs is to kill the worker.

        Raises:
            RuntimeError: The executor was shut down.
            Exception: What pickle raised: the function or an argument cannot be carried.
        """
        task = pickle.dumps((fn, args, kwargs))
        current = CURRENT.get()  # a call is submitted in its own context
        future = _KillingFuture[T]()
        run = self._threads.submit(self._run, future, task, current.prints if current else _nobody)
        run.add_done_callback(lambda done: done.cancelled() and future.cancel())
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more. Workers end when nothing is left to do.

        Args:
            wait: Whether to wait for what runs, however long that takes.
            cancel_futures: Whether what has not begun is dropped.
        """
        with self._lock:
            self._is_shut_down = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _run(
        self, future: "_KillingFuture[T]", task: bytes, prints: Callable[[str], object]
    ) -> None:
        """Do a task in a worker; in a thread that waits for it."""
        try:
            worker = self._worker()
        except (OSError, WorkerLost) as error:  # the system has no more, or no such program
            future.settle(Answer(error=error))
            return
        answer = Answer()
        if future.begin(worker):
            answer = worker.answer(task, prints, self._longest_s)
        future.end()  # from here on nobody kills the worker
        self._put_back(worker, fresh=not answer.has_grown)
        future.settle(answer)

    def _start_first(self) -> None:
        with suppress(OSError, WorkerLost):  # the first call is told
            self._put_back(self._worker(), fresh=True)

    def _worker(self) -> "WorkerProcess":
        with self._lock:
            while self._idle:
                if (worker := self._idle.pop()).is_alive:
                    return worker
        return WorkerProcess(self._memory_bytes)

    def _put_back(self, worker: "WorkerProcess", *, fresh: bool) -> None:
        with self._lock:
            if fresh and worker.is_alive and not self._is_shut_down:
                self._idle.append(worker)
                return
        worker.end()


class _KillingFuture(Future[T]):
    """A future that ends the process which works on it when it is cancelled.

    It stays pending until it is settled, as the future of a task of an event loop does.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = None
        self._is_unwanted = False

    def begin(self, worker: "WorkerProcess") -> bool:
        """Say which worker works on it; return whether anybody wants it still."""
        with self._lock:
            self._worker = None if self._is_unwanted else worker
            return not self._is_unwanted

    def end(self) -> None:
        """Say that no worker works on it any more."""
        with self._lock:
            self._worker = None

    def cancel(self) -> bool:
        """Kill what works on it."""
        with self._lock:
            self._is_unwanted = True
            if self._worker is not None:
                self._worker.kill()
                return True
        return super().cancel()

    def settle(self, answer: Answer) -> None:
        """Take what came of it."""
        if self._is_unwanted:
            super().cancel()
        if not self.set_running_or_notify_cancel():
            return
        if answer.error is not None:
            self.set_exception(answer.error)
        else:
            value: Any = answer.value  # what the function returned, by way of pickle
            self.set_result(value)


def _nobody(_: str) -> None:
    """Take what is printed where no call runs."""
