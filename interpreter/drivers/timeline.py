"""The timeline of the virtual clock (spec/4-time.md, section 1)."""

import heapq
from typing import Final

from interpreter.events import Began, Decoded, Ended, Event, Expired, Returned, Said, Stopped

# Among events of one moment outcomes come before deadlines, so that a return in time counts, and
# before symbols, so that what is due goes in at the next safe point (Time/order).
_PRIORITIES: Final[dict[type[Event], int]] = {
    Began: 0,
    Said: 1,
    Returned: 2,
    Expired: 3,
    Decoded: 4,
    Ended: 4,
    Stopped: 5,
}


def priority(event: Event) -> int:
    """Return the place of an event among those of its moment, least first (Time/order)."""
    return _PRIORITIES[type(event)]


class Timeline:
    """Events to come, ordered by (when_us, priority, seq)."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, Event]] = []
        self._seq = 0

    def push(self, when_us: int, event: Event, seq: int | None = None) -> None:
        """Plan an event.

        Args:
            when_us: Its time, in microseconds from the beginning of the session.
            event: What will happen.
            seq: Its place among equals; by default the order of planning.
        """
        self._seq += 1
        place = self._seq if seq is None else seq
        heapq.heappush(self._heap, (when_us, priority(event), place, event))

    @property
    def next_us(self) -> int | None:
        """The time of the next moment; None when nothing is planned."""
        return self._heap[0][0] if self._heap else None

    def drop_decoding(self) -> None:
        """Forget the symbol that is to come: the turn that asked for it was stopped (Embed/stop)."""
        self._heap = [entry for entry in self._heap if not isinstance(entry[-1], Decoded | Ended)]
        heapq.heapify(self._heap)

    def pop(self) -> tuple[int, list[Event]] | None:
        """Return the next moment and all its events, or None when nothing is planned."""
        if not self._heap:
            return None
        when_us = self._heap[0][0]
        events: list[Event] = []
        while self._heap and self._heap[0][0] == when_us:
            events.append(heapq.heappop(self._heap)[-1])
        return when_us, events
