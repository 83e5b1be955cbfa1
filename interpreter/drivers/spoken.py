"""Messages on their way into a context, for who wants to know when they go in."""

import asyncio
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from threading import RLock
from typing import Final

import msgspec

from cml.characters import not_utf_8
from interpreter.errors import HostError
from interpreter.events import Inject, Row, Said
from interpreter.tools.results import LONGEST_RESULT

LONGEST_PROMPT: Final = LONGEST_RESULT
"""Bytes of JSON: it stands in a row of the trace, as a result does."""


def prompt_fault(text: object) -> str | None:
    """Return why something cannot be asked in a further turn, or None if it can (Embed/prompt)."""
    if not isinstance(text, str):
        return f"a prompt is text, not a value of the type {type(text).__name__}"
    if fault := not_utf_8(text):
        return f"a prompt has whole characters; this one is {fault}"
    if (size := len(msgspec.json.encode(text))) > LONGEST_PROMPT:
        return f"the JSON of the prompt has {size:,} bytes, and may have at most {LONGEST_PROMPT:,}"
    return None


class SpokenMessage:
    """A message that was said. To await it is to wait until it goes in.

    Args:
        said: What was said, and by whom.

    Attributes:
        went_in: Has the row by which it goes in, once it does; `HostError` where it never will, for
            the session was closed (Embed/shutdown).
    """

    def __init__(self, said: Said) -> None:
        self.said = said
        self.went_in: Future[Row] = Future()
        # Who gives up waiting cancels the wait: what was said is said, and goes in all the same.
        self.went_in.set_running_or_notify_cancel()

    def __await__(self) -> Generator[object, None, Row]:
        """Return the row by which it goes in. To stop waiting takes nothing back.

        Raises:
            HostError: The session was closed before (Embed/shutdown).
        """
        return asyncio.wrap_future(self.went_in).__await__()


class Spoken:
    """The messages of one session, followed from where they are said to where they go in."""

    def __init__(self) -> None:
        self._lock = RLock()  # a signal may say something while its thread does
        self._said: list[SpokenMessage] = []
        self._queued: list[SpokenMessage] = []
        self._is_over = False

    def add(self, said: Said) -> SpokenMessage:
        """Take a message that is being said, in any thread.

        Raises:
            HostError: The session is closed (Embed/shutdown).
        """
        message = SpokenMessage(said)
        with self._lock:
            if self._is_over:
                raise HostError("Embed/shutdown", "the session is closed; nobody hears a message")
            self._said.append(message)
        return message

    def drop(self, message: SpokenMessage) -> None:
        """Forget a message that could not be said."""
        with self._lock:
            if message in self._said:  # else the session was closed meanwhile
                self._said.remove(message)

    def see(self, rows: Sequence[Row]) -> None:
        """Follow the messages through rows: whatever is queued goes in at once (Settle/deliver)."""
        for row in rows:
            if isinstance(row.event, Said):
                self._queue(row.event)
            if self._queued and any(isinstance(effect, Inject) for effect in row.effects):
                gone, self._queued = self._queued, []
                for message in gone:
                    message.went_in.set_result(row)

    def give_up(self) -> None:
        """Say of all that are on their way that they will not arrive, and take no more."""
        with self._lock:
            self._is_over = True
            lost, self._said = [*self._said, *self._queued], []
        self._queued.clear()
        why = HostError("Embed/shutdown", "the session was closed before the message went in")
        for message in lost:
            message.went_in.set_exception(why)

    def _queue(self, said: Said) -> None:
        with self._lock:
            found = next((message for message in self._said if message.said == said), None)
            if found is not None:  # else it is a prompt, which the driver has said
                self._said.remove(found)
                self._queued.append(found)
