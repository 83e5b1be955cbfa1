"""The events of one answer as they arrive, and whole characters out of their chunks."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING

import openai

if TYPE_CHECKING:
    from openai._streaming import ServerSentEvent

_DONE = "[DONE]"


class EventStream(openai.Stream[object]):
    """What the client reads, with what it keeps to itself: whether the server said that this is all.

    To the client the end of an answer and that of a connection are one.
    """

    is_done = False

    def _iter_events(self) -> "Iterator[ServerSentEvent]":
        for event in super()._iter_events():
            self.is_done = event.data.startswith(_DONE)
            yield event


class Arriving:
    """Events, each read as JSON.

    Args:
        events: What the client reads.
    """

    def __init__(self, events: EventStream) -> None:
        self._response = events.response
        self._stream = events
        self._events = iter(events)

    @property
    def is_done(self) -> bool:
        """Whether the server said that there are no more, for whatever reason."""
        return self._stream.is_done

    def __iter__(self) -> Iterator[object]:
        """Return itself: an event comes once."""
        return self

    def __next__(self) -> object:
        """Return the next event; raises what the client raises."""
        return next(self._events)

    @contextmanager
    def ending_within(self, seconds: float) -> Iterator[None]:
        """Have the connection end by then: a read that still waits comes to its end.

        The client's own patience is that for a whole answer, and cannot be changed on its way.
        """
        timer = Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        stream = self._response.extensions.get("network_stream")
        connection = stream.get_extra_info("socket") if stream else None
        if isinstance(connection, socket.socket):
            with suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)


class WholeCharacters:
    """Joins the halves of characters that some servers cut: JSON writes one in two."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """Take a chunk; return the whole characters, with U+FFFD for halves without their other."""
        joined = self._held + text
        self._held = joined[-1:] if "\ud800" <= joined[-1:] <= "\udbff" else ""
        return whole_characters(joined[: len(joined) - len(self._held)])


def whole_characters(text: str) -> str:
    """Return text with its halves of characters joined; U+FFFD for those without their other."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
