"""What the blocking and the asyncio form of the realtime driver have in common."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from interpreter.drivers.driver import Driver, Journal
from interpreter.drivers.spoken import Spoken, SpokenMessage
from interpreter.errors import HostError
from interpreter.events import Said
from interpreter.executors.event_loop import EventLoopThread, RunningLoop
from interpreter.executors.workplace import Workplace
from interpreter.journals.past import Past
from interpreter.session import Session
from interpreter.state import Settings
from interpreter.tools.calling import is_in_a_call
from interpreter.tools.signature import Function

if TYPE_CHECKING:
    from concurrent.futures import Future

LOG: Final = logging.getLogger("interpreter")
LOOK_S: Final = 0.05
"""How often a wait that has a bound looks whether the bound has come, in seconds."""

MOST_WAITING: Final = 1_000
"""How many messages may wait to be told, unless a host says otherwise."""


def require_no_call(is_made_in_a_call: bool) -> None:
    """Refuse a function that tries to close the session that called it, or others beside that one.

    Args:
        is_made_in_a_call: Whether what is to be closed was made in a call: then it is that call's own.

    Raises:
        HostError: It does (Embed/shutdown).
    """
    if is_in_a_call() and not is_made_in_a_call:
        raise HostError("Embed/shutdown", "a function cannot close the session that called it")


class RuntimeForm:
    """One session on a driver. The forms differ in how they wait, and in what they share."""

    def __init__(
        self,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings | None,
        workplace: Workplace,
        coroutines: EventLoopThread | RunningLoop,
        *,
        clock: Callable[[], int],
        journal: Journal,
        patience_s: float,
        release: Callable[[], object],
        most_waiting: int = MOST_WAITING,
        past: Past | None = None,
    ) -> None:
        self._spoken = Spoken()
        self._driver = Driver(
            session,
            functions,
            Settings() if settings is None else settings,
            workplace=workplace,
            coroutines=coroutines,
            clock=clock,
            journal=journal,
            seen=self._spoken.see,
            most_waiting=most_waiting,
            past=past,
        )
        self._patience_s = patience_s
        self._release = release
        self._is_closed = False
        self._is_made_in_a_call = is_in_a_call()

    @property
    def settings(self) -> Settings:
        """What the host chose, with the names of the functions."""
        return self._driver.settings

    def stop(self) -> None:
        """End the turn at the next moment: calls that run are cancelled, and nothing is lost if another
        turn begins. Safe to call from a signal or another thread.
        """
        self._driver.stop()

    def say(self, text: str, sender: str = "", hops: int = 0) -> SpokenMessage:
        """Let a person or an agent say something while the model decodes or waits. Safe from any thread.

        Args:
            text: What is said.
            sender: The name of the agent that says it; empty for a person.
            hops: How many messages of agents this one follows from (Embed/hops).

        Returns:
            The message, for who wants to know when it goes in: to await it is to wait for that, in
            an event loop. Nobody has to.

        Raises:
            HostError: The message cannot be told: it is no text, too long, or forbidden by the
                level of the profile, or its sender or hops are none (Embed/message); too many wait to be told (Embed/full); or
                the session is closed (Embed/shutdown).
        """
        said = Said(text, sender, hops)
        message = self._spoken.add(said)
        try:
            self._driver.say(said)
        except HostError:
            self._spoken.drop(message)
            raise
        return message

    def cancel(self, call: str) -> bool:
        """Cancel a call that runs: it has the outcome *cancelled* now, and is asked to stop (Embed/cancel).
        What it returns after that comes late. By whoever runs the session.

        Args:
            call: Its key, as in the rows.

        Returns:
            Whether it runs: one that waits for others has not started, and one that came back is over.
        """
        return self._driver.cancel(call)

    def withheld(self, call: str) -> int:
        """Return how many reports of progress of a call that came back were not told: they came too
        soon after another, or too many (Embed/progress).

        Args:
            call: Its key, as in the rows. Of a function in another process none is counted.
        """
        return self._driver.calls.withheld.get(call, 0)

    def printed(self, call: str) -> str:
        """Return what a call has printed by now: the first 65,536 characters.

        Args:
            call: Its key, as in the rows. What calls print is kept in `interpreter.executors.Processes`,
                and elsewhere in this process where `interpreter.executors.printing` keeps it.
        """
        return self._driver.calls.printed_by(call)

    def has_message(self) -> bool:
        """Whether a message came too late for the turn that is over: it is the first thing in the next."""
        return self._driver.arrivals.has_message()

    def _verbs_under_way(self) -> "Iterator[Future[None]]":
        """Yield what to wait for, `LOOK_S` each time, until the session has done all that it was asked;
        once it is to stop, it has as long as the host has patience.
        """
        last = self._driver.verbs_done()
        waited_s = 0.0
        while last is not None and not last.done():
            if self._driver.is_stopping:
                if waited_s >= self._patience_s:
                    LOG.warning("a step of the session does not end and is left behind")
                    return
                waited_s += LOOK_S
            yield last

    def _begin_closing(self) -> bool:
        """Return whether there is something to close, and let nothing more begin.

        Raises:
            HostError: A function that the session called tries to close it (Embed/shutdown).
        """
        require_no_call(self._is_made_in_a_call)
        is_open, self._is_closed = not self._is_closed, True
        return is_open

    def _end(self) -> None:
        """Let nothing more happen, and release what others do not need."""
        self._driver.close(self._patience_s)
        self._spoken.give_up()
        self._release()

    def _left_behind(self) -> tuple[str, ...]:
        """Return the calls that still run, and say so."""
        left = self._driver.calls.running
        if left:
            LOG.warning("calls that still run are left behind: %s", ", ".join(left))
        return left
