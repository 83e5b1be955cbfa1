"""Async and Async-Naive: one generator that never waits unless it traps (spec/4-time.md).

This is the loop of every policy that looks ahead, so it keeps to integers, lists and heaps of
integers. `narration/spans.py` says the same slowly, event by event; tests hold the two against each other.
"""

from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.schedule.plan import Plan

FREE: Final = -2
"""No decision is forced: the priority decides."""


class PartialRun:
    """How far a run has come.

    Attributes:
        priority: Priority of each call; the least is written first.
        by_priority: Call of each priority.
        now_us: Time of the current call boundary, its interrupts delivered.
        left: Calls that have not been delivered.
        ready: Heap of the priorities of the calls that can be written now.
        waiting: For each call, how many deliveries it still waits for.
        in_flight: Heap of `return_us * stride + slot` of what has not been delivered.
        slots: What was started, in order of start: messages first, then calls.
        begin_us: When a worker took (or will take) it, by slot.
        free_us: Heap of when each worker is free; empty without limit.
        decisions: Decisions so far.
    """

    __slots__ = (
        "begin_us",
        "by_priority",
        "decisions",
        "free_us",
        "in_flight",
        "left",
        "now_us",
        "priority",
        "ready",
        "slots",
        "waiting",
    )

    def __init__(self, plan: Plan, priority: list[int]) -> None:
        stride = plan.stride
        self.priority = priority
        self.by_priority = inverse(priority)
        # Nothing can be due yet: every message arrives after the first task.
        self.now_us = plan.start_us
        self.left = plan.size
        self.ready = [priority[call] for call in range(plan.size) if not plan.waiting[call]]
        heapify(self.ready)
        self.waiting = plan.waiting.copy()
        self.slots = [message for _, message in plan.messages]
        self.begin_us = [0] * len(self.slots)
        # By arrival already, which makes the list a heap.
        self.in_flight = [at * stride + slot for slot, (at, _) in enumerate(plan.messages)]
        self.free_us = [0] * plan.workers
        self.decisions: list[int] = []

    def copy(self) -> "PartialRun":
        """Return the same progress, its decisions left out, to be played on by itself."""
        other = object.__new__(PartialRun)
        other.priority, other.by_priority = self.priority, self.by_priority
        other.now_us, other.left = self.now_us, self.left
        other.ready, other.waiting = self.ready.copy(), self.waiting.copy()
        other.in_flight, other.slots = self.in_flight.copy(), self.slots.copy()
        other.begin_us, other.free_us = self.begin_us.copy(), self.free_us.copy()
        other.decisions = []
        return other


def run_async(plan: Plan, priority: list[int], *, fixed: bool = False) -> Timing:
    """Play a whole run under a fixed priority (Time/async).

    Args:
        plan: The run.
        priority: A permutation of the calls: 0 is written first when ready.
        fixed: Write the calls exactly in that order, trapping where the next is not ready.
    """
    progress = PartialRun(plan, priority)
    play(plan, progress, plan.execute_us, fixed=fixed)
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


def inverse(priority: list[int]) -> list[int]:
    """Return the call of each priority."""
    by_priority = [0] * len(priority)
    for call, place in enumerate(priority):
        by_priority[place] = call
    return by_priority


def play(
    plan: Plan,
    progress: PartialRun,
    execute_us: list[int],
    *,
    fixed: bool = False,
    forced: int = FREE,
    single: bool = False,
) -> None:
    """Play on from some progress, to the end or for one decision.

    Args:
        plan: The run.
        progress: Where to begin; changed in place.
        execute_us: How long calls run: the truth, or the estimates when a policy looks ahead.
        fixed: Whether a call may be written only when all of lower priority are written.
        forced: The first decision: a ready call, `TRAP`, or `FREE`.
        single: Stop at the boundary after one decision, its interrupts delivered.
    """
    stride, messages = plan.stride, len(plan.messages)
    ready, in_flight, slots = progress.ready, progress.in_flight, progress.slots
    priority, by_priority = progress.priority, progress.by_priority
    generate_us, free_us = plan.generate_us, progress.free_us
    now_us = progress.now_us
    while progress.left:
        if forced >= 0:
            ready.remove(priority[forced])
            heapify(ready)
            decision = forced
        elif ready and forced != TRAP and not (fixed and ready[0] != len(slots) - messages):
            decision = by_priority[heappop(ready)]
        else:
            decision = TRAP
        progress.decisions.append(decision)
        if decision == TRAP:
            now_us = max(now_us + plan.trap_us, in_flight[0] // stride)
        else:
            now_us += generate_us[decision]
            # The worker that is free first takes it.
            start_us = max(now_us, free_us[0]) if free_us else now_us
            end_us = start_us + execute_us[decision]
            if free_us:
                heapreplace(free_us, end_us)
            heappush(in_flight, end_us * stride + len(slots))
            slots.append(decision)
            progress.begin_us.append(start_us)
        limit = (now_us + 1) * stride
        if in_flight[0] < limit:
            now_us += _deliver(plan, progress, limit, stride)
        forced = FREE
        if single:
            break
    progress.now_us = now_us


def _deliver(plan: Plan, progress: PartialRun, limit: int, stride: int) -> int:
    """Deliver all that is due and say how long it took (Time/async-deliver)."""
    in_flight, slots, waiting = progress.in_flight, progress.slots, progress.waiting
    ready, size, successors = progress.ready, plan.size, plan.successors
    priority = progress.priority
    cost_us = 0
    while in_flight and in_flight[0] < limit:
        call = slots[heappop(in_flight) % stride]
        cost_us += plan.deliver_us[call]
        if call < size:
            progress.left -= 1
        for other in successors[call]:
            waiting[other] -= 1
            if not waiting[other]:
                heappush(ready, priority[other])
    return cost_us + (plan.batch_us if progress.left else plan.last_batch_us)
