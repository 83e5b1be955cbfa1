"""A pool of threads that never keep a process alive."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Final, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MOST_THREADS: Final = 1_000
"""What "any number of workers" comes to: a function that never returns holds a thread for good, and
others have to find one."""

_Task: TypeAlias = tuple[Future[object], Callable[[], object]]


class DaemonThreads(Executor):
    """An executor whose threads end with the process, whatever they are doing.

    Those of the standard library are waited for at the exit of the interpreter: one function that
    hangs, and the process stays. A thread is started when there is none idle, and kept.

    Args:
        name: How the threads are called.
        limit: How many there are at most; what is submitted beyond that waits.
    """

    def __init__(self, name: str, limit: int = MOST_THREADS) -> None:
        self._name = name
        self._limit = limit
        self._changed = threading.Condition()
        self._tasks: deque[_Task] = deque()
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._is_shut_down = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in a thread.

        Raises:
            RuntimeError: The executor was shut down, or not even one thread can be had.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._is_shut_down:
                raise RuntimeError("the executor was shut down")
            if self._idle <= len(self._tasks) and len(self._threads) < self._limit:
                self._start_thread()
            self._tasks.append((future, partial(fn, *args, **kwargs)))  # type: ignore[arg-type]
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; threads end when nothing is left to do.

        Args:
            wait: Whether to wait for them, however long that takes.
            cancel_futures: Whether what has not begun is dropped.
        """
        dropped: list[_Task] = []
        with self._changed:
            self._is_shut_down = True
            if cancel_futures:
                dropped += self._tasks
                self._tasks.clear()
            self._changed.notify_all()
        for future, _ in dropped:
            future.cancel()
        if wait:
            for thread in self._threads:
                thread.join()

    def _start_thread(self) -> None:
        name = f"{self._name}-{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more: the others do it, if there are any
            if not self._threads:
                raise
        else:
            self._threads.append(thread)

    def _work(self) -> None:
        while task := self._next_task():
            future, run = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = run()
            except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the future
                future.set_exception(error)
            else:
                future.set_result(result)
                del result
            del task, future, run  # an idle thread holds nothing alive

    def _next_task(self) -> _Task | None:
        """Wait for something to do; None when there will be nothing more."""
        with self._changed:
            while not self._tasks:
                if self._is_shut_down:
                    return None
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return self._tasks.popleft()
