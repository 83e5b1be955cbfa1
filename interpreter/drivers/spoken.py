"""Messages of people on their way into a context, for who wants to know when they go in."""

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from threading import Lock

from interpreter.errors import HostError
from interpreter.events import Inject, Row, Said


class SpokenMessage:
    """A message that was said. To await it is to wait until it goes in.

    Args:
        text: What was said.

    Attributes:
        went_in: Has the row by which it goes in, once it does; `HostError` where it never will, for
            the session was closed (Embed/shutdown).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.went_in: Future[Row] = Future()

    def __await__(self) -> Generator[object, None, Row]:
        """Return the row by which it goes in.

        Raises:
            HostError: The session was closed before (Embed/shutdown).
        """
        return asyncio.wrap_future(self.went_in).__await__()


class Spoken:
    """The messages of one session, followed from where they are said to where they go in."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._said: list[SpokenMessage] = []
        self._numbered: dict[str, SpokenMessage] = {}
        self._count = 0

    def add(self, text: str) -> SpokenMessage:
        """Take a message that is being said, in any thread."""
        message = SpokenMessage(text)
        with self._lock:
            self._said.append(message)
        return message

    def drop(self, message: SpokenMessage) -> None:
        """Forget a message that could not be said."""
        with self._lock:
            self._said.remove(message)

    def see(self, rows: list[Row]) -> list[Row]:
        """Follow the messages through rows (Step/message, Settle/deliver), and return these."""
        for row in rows:
            if isinstance(row.event, Said):
                self._number(row.event.text)
            for effect in row.effects:
                if isinstance(effect, Inject):
                    for told in effect.interrupts:
                        if message := self._numbered.pop(told.id, None):
                            message.went_in.set_result(row)
        return rows

    def give_up(self) -> None:
        """Say of all that are on their way that they will not arrive."""
        with self._lock:
            lost, self._said = [*self._said, *self._numbered.values()], []
        self._numbered.clear()
        why = HostError("Embed/shutdown", "the session was closed before the message went in")
        for message in lost:
            message.went_in.set_exception(why)

    def _number(self, text: str) -> None:
        self._count += 1
        with self._lock:
            found = next((message for message in self._said if message.text == text), None)
            if found is not None:  # else it is a prompt, which the driver has said
                self._said.remove(found)
                self._numbered[f"user{self._count}"] = found
