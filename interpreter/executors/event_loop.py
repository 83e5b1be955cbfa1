"""Where functions run that are coroutines: an event loop in a thread of its own, or the host's."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class EventLoopThread:
    """Runs coroutines side by side. The thread begins with the first of them."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=self._run, name="cml-async", daemon=True)
        self._is_closed = False

    def submit(self, coroutine: Coroutine[object, object, T]) -> Future[T]:
        """Start a coroutine.

        Args:
            coroutine: What to run.

        Returns:
            A future of the kind that executors return. To cancel it is to ask the coroutine to
            stop at its next await; what it does then is the outcome.

        Raises:
            RuntimeError: The loop was closed.
        """
        if self._is_closed:
            coroutine.close()
            raise RuntimeError("the event loop was closed")
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread.start()
        future = _TaskFuture[T](self._loop)
        self._loop.call_soon_threadsafe(future.begin, coroutine)
        return future

    def call_soon(self, function: Callable[[], object]) -> None:
        """Call a function in the thread of the loop, if there is one."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function)

    def close(self, patience_s: float) -> None:
        """Cancel what still runs, and end the thread; one that does not end in time is left behind.

        Args:
            patience_s: How long to wait, in seconds.
        """
        self._is_closed = True
        loop, self._loop = self._loop, None
        if loop is None:
            return
        ended = asyncio.run_coroutine_threadsafe(_cancel_others(patience_s), loop)
        try:
            ended.result(patience_s)
        except TimeoutError:  # something blocks the loop
            return
        finally:
            loop.call_soon_threadsafe(loop.stop)
        self._thread.join(patience_s)
        if not self._thread.is_alive():
            loop.close()

    def _run(self) -> None:
        loop = self._loop
        while loop is not None:
            try:
                loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                continue  # raised in a task that a function made itself: the others go on
            if self._is_closed:  # else a function stopped the loop that it runs in
                return


class RunningLoop:
    """Runs coroutines in the event loop that its caller runs in. Who starts one keeps its task."""

    def __init__(self) -> None:
        self._is_closed = False

    def submit(self, coroutine: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Start a coroutine, as `EventLoopThread.submit` does; in the thread of the loop.

        Raises:
            RuntimeError: It was closed.
        """
        if self._is_closed:
            coroutine.close()
            raise RuntimeError("the runtime was closed")
        return asyncio.get_running_loop().create_task(coroutine)

    def close(self, patience_s: float) -> None:
        """Start nothing more. What still runs is cancelled by who keeps its task."""
        del patience_s
        self._is_closed = True


class _TaskFuture(Future[T]):
    """The future of a task, for other threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._task: asyncio.Task[T] | None = None

    def begin(self, coroutine: Coroutine[object, object, T]) -> None:
        """Start the task; in the thread of the loop."""
        self._task = self._loop.create_task(coroutine)
        self._task.add_done_callback(self._settle)

    def cancel(self) -> bool:
        """Ask the task to stop."""
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
        return not self.done()

    def _settle(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            super().cancel()
            self.set_running_or_notify_cancel()
        elif error := task.exception():
            self.set_exception(error)
        else:
            self.set_result(task.result())


async def _cancel_others(patience_s: float) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=patience_s)
