"""Async without limit of workers, when delivering costs nothing: the fastest loop of all.

What a delivery costs is what makes the order of returns matter between boundaries. Where it costs
nothing, a call that waits can be given its time when the last call that it needs is written, and
no heap of returns is kept. `asynchronous.play` does the same for every accounting; tests hold
the two against each other.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from interpreter.schedule.timing import TRAP, Timing

if TYPE_CHECKING:
    from interpreter.schedule.plan import Plan

NEVER: Final = 1 << 62
"""Later than any time of a run."""


def run_free_delivery(plan: Plan, priority: list[int]) -> Timing:
    """Play a run whose `free_delivery` holds under a priority, 0 first (Time/async)."""
    generate_us, execute_us, trap_us = plan.generate_us, plan.execute_us, plan.trap_us
    successors, waiting, size = plan.successors, plan.waiting.copy(), plan.size
    by_priority = sorted(range(size), key=priority.__getitem__)
    # In order already, which makes the list a heap.
    ready = [rank for rank, call in enumerate(by_priority) if not waiting[call]]
    needs_us = [0] * size
    coming: list[int] = []  # Heap of `ready_us * size + priority`.
    next_us = NEVER
    returns_us: list[int] = []
    decisions: list[int] = []
    now_us, left = plan.start_us, size
    while left:
        if ready:
            call = by_priority[heappop(ready)]
            decisions.append(call)
            left -= 1
            now_us += generate_us[call]
            end_us = now_us + execute_us[call]
            returns_us.append(end_us)
            for other in successors[call]:
                # Comparisons in place: calls of max and min would cost as much as all the rest.
                if end_us > needs_us[other]:  # noqa: PLR1730
                    needs_us[other] = end_us
                waiting[other] -= 1
                if not waiting[other]:
                    if needs_us[other] < next_us:  # noqa: PLR1730
                        next_us = needs_us[other]
                    heappush(coming, needs_us[other] * size + priority[other])
        else:
            decisions.append(TRAP)
            returns_us = [end_us for end_us in returns_us if end_us > now_us]
            now_us = max(now_us + trap_us, min(returns_us))
        if next_us <= now_us:
            next_us = _release(coming, ready, now_us, size)
    now_us = _trap_to_the_end(trap_us, now_us, returns_us, decisions)
    return Timing(now_us + plan.answer_us, decisions)


def _release(coming: list[int], ready: list[int], now_us: int, size: int) -> int:
    """Make ready what is due, and say when the next is."""
    limit = (now_us + 1) * size
    while coming and coming[0] < limit:
        heappush(ready, heappop(coming) % size)
    return coming[0] // size if coming else NEVER


def _trap_to_the_end(trap_us: int, now_us: int, returns_us: list[int], decisions: list[int]) -> int:
    """Trap until everything has returned, when nothing is left to write."""
    returns_us.sort()
    for end_us in returns_us:
        if end_us > now_us:
            decisions.append(TRAP)
            now_us = max(now_us + trap_us, end_us)
    return now_us
