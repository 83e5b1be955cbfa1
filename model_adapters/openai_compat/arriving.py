"""The events of one answer, as they arrive."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

import openai


class Arriving:
    """Events, each read as JSON.

    Args:
        events: What the client reads.
    """

    def __init__(self, events: openai.Stream[object]) -> None:
        self._response = events.response
        self._events = iter(events)

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
