"""The calls of one session on their way: started, cancelled, and heard of (Embed/start)."""

import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future

from interpreter.events import Outcome, Start
from interpreter.executors.event_loop import EventLoopThread, RunningLoop
from interpreter.executors.threads import DaemonThreads
from interpreter.tools.calling import (
    Function,
    call_coroutine,
    call_function,
    outcome_of_error,
    outcome_of_future,
)


class Calls:
    """Runs what a session starts. Whatever an executor does, each call comes back.

    Args:
        functions: What may be called, by name.
        executor: Where functions run that are no coroutines; a pool of threads by default.
        coroutines: Where the others run; in a loop of their own by default.
        returned: Is told the outcome of each call, in any thread.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        executor: Executor | None,
        coroutines: EventLoopThread | RunningLoop | None,
        returned: Callable[[str, Outcome], None],
    ) -> None:
        self._functions = functions
        self._threads = DaemonThreads("cml-call")
        self._executor = executor or self._threads
        self._coroutines = coroutines or EventLoopThread()
        self._returned = returned
        self._running: dict[str, Future[Outcome]] = {}

    def start(self, start: Start) -> None:
        """Start a function in the background. An executor that does not take it has failed it."""
        try:
            future = self._submit(self._functions[start.function], start)
            self._running[start.call] = future
            future.add_done_callback(lambda done: self._done(start.call, done))
        except Exception as error:  # noqa: BLE001  an executor is somebody else's
            self._returned(start.call, outcome_of_error(error))

    def cancel(self, call: str) -> None:
        """Ask a call to stop (Embed/cancel). An executor that cannot even be asked has failed it."""
        future = self._running.get(call)
        if future is None:
            return
        try:
            future.cancel()
        except Exception as error:  # noqa: BLE001  an executor is somebody else's
            self._returned(call, outcome_of_error(error))

    @property
    def running(self) -> tuple[str, ...]:
        """The calls that have not come back, whether the session still waits for them or not."""
        return tuple(self._running)

    def close(self, patience_s: float) -> None:
        """Cancel coroutines, and release threads. A function that does not end is left to itself.

        Args:
            patience_s: How long to wait for coroutines to end, in seconds.
        """
        self._coroutines.close(patience_s)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _submit(self, function: Function, start: Start) -> Future[Outcome]:
        if inspect.iscoroutinefunction(function):
            return self._coroutines.submit(call_coroutine(function, start.args, start.kwargs))
        return self._executor.submit(call_function, function, start.args, start.kwargs)

    def _done(self, call: str, done: Future[Outcome]) -> None:
        self._running.pop(call, None)
        self._returned(call, outcome_of_future(done))
