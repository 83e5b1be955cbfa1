"""The calls of one session on their way: started, cancelled, and heard of (Embed/start)."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import copy_context

from cml.profile import Level, Profile
from interpreter.events import Outcome, Start
from interpreter.executors.event_loop import EventLoopThread, RunningLoop
from interpreter.executors.workplace import Workplace
from interpreter.tools.calling import (
    Answering,
    call_coroutine,
    call_function,
    is_coroutine_function,
    outcome_of_error,
    outcome_of_future,
)
from interpreter.tools.progress import CURRENT, Progress
from interpreter.tools.signature import Function, tool_of


class Calls:
    """Runs what a session starts. Whatever an executor does, each call comes back.

    Args:
        functions: What may be called, by the names that bodies write.
        profile: How bodies are written, and how much progress is told.
        workplace: Where functions run that are no coroutines, and where reports arrive.
        coroutines: Where the others run.
        returned: Is told the outcome of each call, and its progress before, in any thread.

    Attributes:
        withheld: How many reports of progress were not told, of calls that came back; those of
            functions in other processes are not counted.
        printed: What calls that came back have printed, where prints are kept.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        profile: Profile,
        workplace: Workplace,
        coroutines: EventLoopThread | RunningLoop,
        returned: Callable[[str, Outcome], None],
    ) -> None:
        self._functions = functions
        self._profile = profile
        self._executor = workplace.executor
        self._coroutines = coroutines
        self._returned = returned
        self._running: dict[str, Answering] = {}
        self._reports = workplace.office.box(returned)
        self._progress: dict[str, Progress] = {}
        self.withheld: dict[str, int] = {}
        self.printed: dict[str, str] = {}

    def start(self, start: Start) -> None:
        """Start a function in the background. An executor that does not take it has failed it."""
        try:
            future = self._submit(self._functions[start.function], start)
            self._running[start.call] = future
            future.add_done_callback(_Return(self._done, start.call))
        except (Exception, SystemExit) as error:  # noqa: BLE001  an executor is somebody else's
            self._running.pop(start.call, None)
            self._progress.pop(start.call, None)
            self._returned(start.call, outcome_of_error(error))

    def cancel(self, call: str) -> None:
        """Ask a call to stop (Embed/cancel). An executor that cannot even be asked has failed it."""
        # It may come back in this very moment, in another thread.
        future, progress = self._running.get(call), self._progress.get(call)
        if future is None or progress is None:
            return
        progress.cancel()
        try:
            future.cancel()
        except Exception as error:  # noqa: BLE001  an executor is somebody else's
            self._returned(call, outcome_of_error(error))

    def printed_by(self, call: str) -> str:
        """Return what a call has printed by now, whether it runs or came back."""
        progress = self._progress.get(call)
        return self.printed.get(call, "") if progress is None else progress.printed

    @property
    def running(self) -> tuple[str, ...]:
        """The calls that have not come back, whether the session still waits for them or not."""
        return tuple(self._running)

    @property
    def tasks(self) -> tuple["asyncio.Future[Outcome]", ...]:
        """What those of them come back by that run in an event loop of the caller's."""
        return tuple(each for each in self._running.values() if isinstance(each, asyncio.Future))

    def close(self, patience_s: float) -> None:
        """Cancel what still runs, and hear of nothing more. What does not end is left to itself.

        Args:
            patience_s: How long to wait for coroutines to end, in seconds.
        """
        self._coroutines.close(patience_s)
        for call in self.running:
            self.cancel(call)
        self._reports.close()

    def _submit(self, function: Function, start: Start) -> Answering:
        body, progress = self._profile.body, self._new_progress(function, start.call)
        if is_coroutine_function(function):
            run = call_coroutine(function, start.args, start.kwargs, body, progress)
            return self._coroutines.submit(run)
        # In its own context: an executor knows by it whose prints they are.
        context = copy_context()
        context.run(CURRENT.set, progress)
        return context.run(
            self._executor.submit, call_function, function, start.args, start.kwargs, body, progress
        )

    def _new_progress(self, function: Function, call: str) -> Progress:
        is_told = self._profile.level is Level.EXTENDED
        at_most = self._profile.limits.progress_reports if is_told else 0
        progress = Progress(self._reports, call, at_most, tool_of(function).progress_us)
        self._progress[call] = progress
        return progress

    def _done(self, call: str, done: Answering) -> None:
        self._running.pop(call, None)
        progress = self._progress.pop(call, None)
        if progress is not None and progress.withheld:
            self.withheld[call] = progress.withheld
        if progress is not None and progress.printed:
            self.printed[call] = progress.printed
        self._returned(call, outcome_of_future(done))


class _Return:
    """Is told that one call is done. Each call that runs has one: a `partial` would be three times as
    large.
    """

    __slots__ = ("_call", "_done")

    def __init__(self, done: Callable[[str, Answering], None], call: str) -> None:
        self._done = done
        self._call = call

    def __call__(self, done: Answering) -> None:
        self._done(self._call, done)
