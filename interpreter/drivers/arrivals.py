"""What has happened outside and was not taken yet: put in from any thread, taken by one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from interpreter.events import Decoded, Ended, Event, Said, Stopped


class Arrivals:
    """Events in the order in which they arrived.

    Whoever takes them enters it (`with`) while it brings some itself: it looks again afterwards, and
    need not be told.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Event | None] = SimpleQueue()
        self._notify: Callable[[], object] | None = None
        self._taker: int | None = None

    def put(self, event: Event | None) -> None:
        """Say that something has happened; None only wakes whoever waits."""
        self._queue.put(event)
        if (notify := self._notify) and threading.get_ident() != self._taker:
            notify()

    @contextmanager
    def told_to(self, notify: Callable[[], object]) -> Iterator[None]:
        """Have somebody told of what arrives, in the thread that brings it; nobody but the last who asked.

        Args:
            notify: Is called when something has arrived.
        """
        self._notify = notify
        try:
            yield
        finally:
            # Who let go of a turn that was over leaves late, when the next has begun.
            if self._notify is notify:
                self._notify = None

    def __enter__(self) -> None:
        """From here on this thread brings events that it looks at later."""
        self._taker = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        """This thread looks again now."""
        self._taker = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has arrived."""
        return self._queue.empty()

    def has_message(self) -> bool:
        """Whether a message is among them; by whoever takes them, between two turns."""
        arrived = list(self._queued())
        for event in arrived:
            self._queue.put(event)
        return any(isinstance(event, Said) for event in arrived)

    def wait(self, patience_s: float) -> Event | None:
        """Wait until something arrives, and take it; None if nothing does.

        Args:
            patience_s: How long to wait, in seconds.
        """
        try:
            return self._queue.get(timeout=patience_s)
        except Empty:
            return None

    def take(self, first: Event | None = None) -> list[Event]:
        """Take what has arrived so far: no more, or whoever is quicker keeps this one for ever.

        Args:
            first: One that was taken already.
        """
        arrived = [event for event in (first, *self._queued()) if event is not None]
        # To be stopped twice is to be stopped.
        stops = [event for event in arrived if isinstance(event, Stopped)]
        return [event for event in arrived if not isinstance(event, Stopped)] + stops[:1]

    def drop_stale(self) -> None:
        """Drop what belongs to a turn that is over: the symbol that was being decoded as it was
        stopped, and a stop that came too late to stop anything (Embed/stop).
        """
        for event in list(self._queued()):
            if not isinstance(event, Decoded | Ended | Stopped | None):
                self._queue.put(event)

    def _queued(self) -> Iterator[Event | None]:
        for _ in range(self._queue.qsize()):
            try:
                yield self._queue.get_nowait()
            except Empty:  # whoever runs the session took it, while another thread closes it
                return
