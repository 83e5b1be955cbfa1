"""Lower bounds on the makespan of any order of writing (spec/4-time.md, "Lower bounds")."""

from heapq import heappop, heappush

from interpreter.schedule.graph import least_order
from interpreter.schedule.plan import Plan


def lower_bound_us(plan: Plan) -> int:
    """Return the best of the bounds; no run of the plan can be shorter (Time/bound).

    Args:
        plan: The run; its true execution times count.

    Returns:
        Microseconds from time zero to the last token of the answer.
    """
    return last_delivery_bound_us(plan) + plan.last_batch_us + plan.answer_us


def last_delivery_bound_us(plan: Plan) -> int:
    """Bound the end of the last delivery, its request left out.

    Async-Naive has the same as Async, and where no model adds tokens all models have the same.
    """
    path = _Path(plan)
    bound_us = max(
        plan.start_us + sum(plan.generate_us) + sum(plan.deliver_us),
        jackson_us(path.heads_us, plan.generate_us, path.tails_us),
        path.length_us,
    )
    if plan.workers:
        bound_us = max(bound_us, _workers_us(plan, path))
    return bound_us


class _Path:
    """The longest chains through each call (Time/bound-path).

    Attributes:
        heads_us: Earliest start of its writing.
        begins_us: Earliest start of its running.
        tails_us: What must at least pass from the end of its writing to the last delivery.
        length_us: The longest chain of all.
    """

    def __init__(self, plan: Plan) -> None:
        order = least_order(plan.graph, [0] * plan.size)
        self.heads_us = [plan.start_us] * plan.size
        for at_us, message in plan.messages:
            for call in plan.successors[message]:
                self.heads_us[call] = at_us
        self.begins_us = [0] * plan.size
        results_us = [0] * plan.size
        for call in order:
            needs_us = max(
                (results_us[other] for other in plan.graph.predecessors[call]), default=0
            )
            if plan.chained:
                self.heads_us[call] = max(self.heads_us[call], needs_us)
            written_us = self.heads_us[call] + plan.generate_us[call]
            self.begins_us[call] = max(written_us, needs_us)
            results_us[call] = self.begins_us[call] + plan.execute_us[call]
            if plan.chained:
                results_us[call] += plan.deliver_us[call]
        self.length_us = max(results_us)
        self.tails_us = _tails_us(plan, order)


def _tails_us(plan: Plan, order: list[int]) -> list[int]:
    writing_us = plan.generate_us if plan.chained else [0] * plan.size
    tails = [0] * plan.size
    for call in reversed(order):
        following = [writing_us[other] + tails[other] for other in plan.graph.successors[call]]
        tails[call] = plan.execute_us[call] + max(following, default=0)
        if plan.chained:
            tails[call] += plan.deliver_us[call]
    return tails


def jackson_us(heads: list[int], works: list[int], tails: list[int]) -> int:
    """Jackson's preemptive schedule: one machine, work with heads and tails (Time/bound-jackson).

    At any time the released work of longest tail is done. No schedule of one machine, with or
    without preemption, ends earlier; Carlier (1982) uses it as the bound of his branching.

    Args:
        heads: When each piece of work can begin, in microseconds.
        works: How long it keeps the machine.
        tails: What must still pass after it.
    """
    releases = sorted(zip(heads, tails, works, strict=True), reverse=True)
    ready: list[tuple[int, int]] = []
    now_us = longest_us = 0
    while releases or ready:
        if not ready:
            now_us = max(now_us, releases[-1][0])
        while releases and releases[-1][0] <= now_us:
            _, tail_us, work_us = releases.pop()
            heappush(ready, (-tail_us, work_us))
        negative_tail_us, work_us = heappop(ready)
        end_us = now_us + work_us
        if releases and releases[-1][0] < end_us:
            rest_us = end_us - releases[-1][0]
            now_us = releases[-1][0]
            heappush(ready, (negative_tail_us, rest_us))
        else:
            now_us = end_us
            longest_us = max(longest_us, now_us - negative_tail_us)
    return longest_us


def _workers_us(plan: Plan, path: _Path) -> int:
    """Bound by the workers: m of them are no faster than one of speed m (Time/bound-workers)."""
    speed = plan.workers
    heads = [speed * begin_us for begin_us in path.begins_us]
    tails = [
        speed * (tail_us - execute_us)
        for tail_us, execute_us in zip(path.tails_us, plan.execute_us, strict=True)
    ]
    return -(-jackson_us(heads, plan.execute_us, tails) // speed)
