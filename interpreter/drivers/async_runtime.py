"""The asyncio form of the realtime driver: a session in an event loop, turn by turn."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from typing import Self

from interpreter.drivers.driver import Journal, forget, monotonic_us
from interpreter.drivers.form import LOOK_S, MOST_WAITING, RuntimeForm
from interpreter.events import EndReason, Row
from interpreter.executors.event_loop import RunningLoop
from interpreter.executors.workplace import Decoders, Workplace
from interpreter.journals.past import Past
from interpreter.session import Session
from interpreter.state import Settings
from interpreter.tools.signature import Function


class AsyncForm(RuntimeForm):
    """One session in the running event loop, wherever its calls run and its verbs are done: what
    `AsyncRuntime` is, and what `Sessions.open` returns. Use it with `async with`.
    """

    def __init__(
        self,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings | None,
        workplace: Workplace,
        *,
        clock: Callable[[], int],
        journal: Journal,
        patience_s: float,
        release: Callable[[], object],
        most_waiting: int = MOST_WAITING,
        past: Past | None = None,
    ) -> None:
        self._coroutines = RunningLoop()
        self._closed: asyncio.Event  # made as it is closed: ten thousand that are open hold none
        super().__init__(
            session,
            functions,
            settings,
            workplace,
            self._coroutines,
            clock=clock,
            journal=journal,
            patience_s=patience_s,
            release=release,
            most_waiting=most_waiting,
            past=past,
        )

    async def __aenter__(self) -> Self:
        """Return the runtime itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release threads."""
        await self.aclose()

    async def aclose(self) -> tuple[str, ...]:
        """Stop a turn that is under way, wait until every effect is performed, cancel coroutines, and
        release threads. Whoever closes it while another does waits until it is closed.

        Returns:
            The calls that still run, as `Runtime.close` does.

        Raises:
            HostError: A function that the session called tried to close it (Embed/shutdown).
        """
        if self._begin_closing():
            self._closed = asyncio.Event()
            try:
                self._driver.end_turn()
                await self._await_verbs()
            finally:
                self._end()
                self._closed.set()
        await self._closed.wait()
        if tasks := self._driver.calls.tasks:
            await asyncio.wait(tasks, timeout=self._patience_s)
        return self._left_behind()

    def break_off(self) -> None:
        """Close it as `aclose` does, and wait for nothing; by whoever cannot wait.

        Raises:
            HostError: As `aclose` does.
        """
        if self._begin_closing():
            self._closed = asyncio.Event()
            self._closed.set()
            try:
                self._driver.end_turn()
            finally:
                self._end()

    async def run(self, prompt: str = "") -> AsyncIterator[Row]:
        """Run one turn. The first prompt is in the session's context; so may be those of further turns.

        Args:
            prompt: What is asked in a further turn, where the host has not put it there: it goes in
                as this model takes prompts, or else as a message (Embed/prompt). It is text, and its
                JSON has at most 4,194,304 bytes.

        Yields:
            Each row, once it is written and its effects are on their way. After the last one every
            effect has been performed.

        Raises:
            HostError: The session or an executor broke the contract of spec/5-embedding.md.
            BaseException: Whatever the session itself, or the journal, raised.
        """
        async with contextlib.aclosing(self._instants(prompt)) as instants:
            async for rows in instants:
                for row in rows:
                    yield row

    async def complete(self, prompt: str = "") -> EndReason:
        """Run one turn to its end, for its journal and its context; `run` gives the rows.

        Args:
            prompt: As for `run`.

        Returns:
            Why it ended.

        Raises:
            HostError: As `run` does.
            BaseException: As `run` does.
        """
        async for _ in self._instants(prompt):
            pass
        return self._driver.ending

    async def _instants(self, prompt: str) -> AsyncGenerator[list[Row], None]:
        """Run one turn, and yield the rows of each instant."""
        driver = self._driver
        begun = driver.begin(prompt)
        try:
            yield begun
            while not driver.is_over:
                driver.raise_failure()
                await self._next_arrival()
                yield driver.take()
        except asyncio.CancelledError:
            driver.end_turn()
            await self._await_verbs()
            raise
        await self._await_verbs()
        driver.raise_failure()

    async def _next_arrival(self) -> None:
        """Wait until something happens, or a deadline comes."""
        arrivals, loop = self._driver.arrivals, asyncio.get_running_loop()
        if not arrivals.is_empty:
            await asyncio.sleep(0)  # others in the loop have their turn, however fast it decodes
            return
        # Either of them ends the wait. An `asyncio.Event` would be a good part of what a session holds.
        waited = loop.create_future()
        deadline = loop.call_later(self._driver.patience_s, _wake, waited)
        try:
            with arrivals.told_to(lambda: loop.call_soon_threadsafe(_wake, waited)):
                if arrivals.is_empty:  # else it came before anybody could be told
                    await waited
        finally:
            deadline.cancel()

    async def _await_verbs(self) -> None:
        for last in self._verbs_under_way():
            await asyncio.wait([asyncio.wrap_future(last)], timeout=LOOK_S)


def _wake(wait: asyncio.Future[None]) -> None:
    if not wait.done():
        wait.set_result(None)


class AsyncRuntime(AsyncForm):
    """Runs one session, turn by turn, in the running event loop. Use it with `async with`.

    Coroutine functions run in the same loop, all others in the executor. To cancel the task that
    reads `run` is to stop the session: its trace ends in good order.

    Args:
        session: The model's context.
        functions: What the model may call, by name.
        settings: What the host chose; its `functions` are filled in from the names given here.
        executor: Where functions run that are no coroutines; a pool of threads by default.
        decoder: Where the verbs of the session are done, as for `Sessions`; a thread of its own by default.
        clock: Microseconds, never going back.
        journal: As for `Runtime`; it is called in the loop, so it should not take long.
        patience_s: As for `Runtime`, in seconds.
        past: As for `Runtime`.

    Raises:
        HostError: The settings are out of bounds, a function is none, or has no name.
    """

    def __init__(
        self,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings | None = None,
        executor: Executor | None = None,
        *,
        decoder: Decoders = None,
        clock: Callable[[], int] = monotonic_us,
        journal: Journal = forget,
        patience_s: float = 5.0,
        past: Past | None = None,
    ) -> None:
        workplace = Workplace(executor, decoder)
        super().__init__(
            session,
            functions,
            settings,
            workplace,
            clock=clock,
            journal=journal,
            patience_s=patience_s,
            release=workplace.close,
            past=past,
        )
