"""Many sessions in one event loop, over one executor and one decoder (spec/5-embedding.md, 5.6)."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import Self

from cml.arguments import require
from cml.wording import counted
from interpreter.drivers.async_runtime import AsyncForm
from interpreter.drivers.driver import Journal, forget, monotonic_us
from interpreter.drivers.form import MOST_WAITING, require_no_call
from interpreter.errors import HostError
from interpreter.executors.workplace import Decoders, Workplace
from interpreter.journals.past import Past
from interpreter.session import Session
from interpreter.state import Settings
from interpreter.tools.calling import is_in_a_call
from interpreter.tools.signature import Function


class Sessions:
    """Opens sessions that share one event loop, one executor and one decoder. Use it with `async with`.

    None has a thread of its own. Each session that has something to do takes one instant in each
    round of the loop, so none starves (Embed/fair); what one of them raises, it alone is told.

    Args:
        executor: Where functions run that are no coroutines; a pool of threads by default.
        decoder: Where the verbs of all sessions are done, one after another for each: an executor;
            `at once`, in the loop itself, for sessions that never block; one thread by default.
        most_open: How many sessions may be open at once.
        clock: Microseconds, never going back.
        patience_s: As for `Runtime`, in seconds.

    Raises:
        TypeError: One of these is something else.
    """

    def __init__(
        self,
        executor: Executor | None = None,
        decoder: Decoders = None,
        *,
        most_open: int = 10_000,
        clock: Callable[[], int] = monotonic_us,
        patience_s: float = 5.0,
    ) -> None:
        require(most_open, int, "most_open is a number of sessions")
        self._workplace = Workplace(executor, decoder)
        self._most_open = most_open
        self._clock = clock
        self._patience_s = patience_s
        self._open: dict[object, AsyncForm] = {}
        self._is_closed = False
        self._is_made_in_a_call = is_in_a_call()

    async def __aenter__(self) -> Self:
        """Return the sessions themselves."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them all."""
        await self.aclose()

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def __iter__(self) -> Iterator[AsyncForm]:
        """Return those that are open, the oldest first."""
        return iter(tuple(self._open.values()))

    def open(
        self,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings | None = None,
        *,
        journal: Journal = forget,
        most_waiting: int = MOST_WAITING,
        past: Past | None = None,
    ) -> AsyncForm:
        """Open a session. Close it when it is over: until then it counts as open.

        Args:
            session: The model's context.
            functions: What the model may call, by name.
            settings: What the host chose; its `functions` are filled in from the names given here.
            journal: As for `Runtime`; it is called in the loop, so it should not take long.
            most_waiting: How many messages may wait to be told.
            past: As for `Runtime`.

        Raises:
            HostError: As many are open as may be (Embed/full), or all were closed
                (Embed/shutdown); the settings are out of bounds, or a function is none.
        """
        if self._is_closed:
            raise HostError("Embed/shutdown", "the sessions were closed; make others")
        if len(self._open) >= self._most_open:
            message = f"there is room for {counted(self._most_open, 'session')}; close one, or try again later"
            raise HostError("Embed/full", message)
        place = object()  # a session leads to its place, never back to itself
        self._open[place] = opened = AsyncForm(
            session,
            functions,
            settings,
            self._workplace,
            clock=self._clock,
            journal=journal,
            patience_s=self._patience_s,
            most_waiting=most_waiting,
            release=lambda: self._open.pop(place),
            past=past,
        )
        return opened

    def stop(self) -> None:
        """End the turns of all sessions at the next moment. Safe to call from any thread."""
        for opened in self:
            opened.stop()

    async def aclose(self) -> None:
        """Stop and close what is open, side by side, and release threads.

        Raises:
            HostError: A function that one of them called tried to close them (Embed/shutdown); all go on.
            BaseExceptionGroup: What closing single sessions raised, as their journals may. All are
                closed by then.
        """
        require_no_call(self._is_made_in_a_call)
        self._is_closed = True
        closing = (opened.aclose() for opened in self)
        try:
            closed = await asyncio.gather(*closing, return_exceptions=True)
        finally:
            with ExitStack() as rest:
                rest.callback(self._workplace.close)
                for opened in self:  # where this was cancelled before theirs had begun
                    rest.callback(opened.break_off)
        if errors := [error for error in closed if isinstance(error, BaseException)]:
            raise BaseExceptionGroup("some sessions could not be closed as they should", errors)
