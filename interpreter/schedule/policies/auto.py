"""The policy `auto`: plan the whole run on the estimates, then follow the plan with open eyes.

Planning tries several priorities, greedily and with a look ahead, and moves single calls of the
best order while that helps. At run time the plan is one choice among those of `lookahead-idle`, so
it is left where the true times have made it bad (spec/4-time.md, Time/policy-auto).
"""

from typing import Final

import msgspec

from interpreter.schedule.models.asynchronous import PartialRun, inverse, play, run_async
from interpreter.schedule.models.timing import TRAP, KeyPolicy, Timing
from interpreter.schedule.plan import Plan
from interpreter.schedule.policies.bounds import lower_bound_us
from interpreter.schedule.policies.facts import Facts
from interpreter.schedule.policies.keys import prioritise
from interpreter.schedule.policies.lookahead import Best, Lookahead, run_lookahead

BASES: Final[tuple[KeyPolicy, ...]] = (
    "fan-tail",
    "critical-path",
    "johnson",
    "lpt",
    "most-successors",
)
"""Priorities that planning begins from."""

MAX_MOVES: Final = 2_000
"""How many moved orders planning plays at most."""


def run_auto(plan: Plan, facts: list[Facts]) -> Timing:
    """Plan on the estimates and follow the plan (Time/policy-auto).

    Args:
        plan: The run.
        facts: What a policy knows of its calls.
    """
    priorities = [prioritise(facts, base, 0) for base in BASES]
    if plan.messages:
        # What arrives later is not known, so no whole run can be planned.
        return run_lookahead(plan, facts, priorities[0], idle=True)
    estimated = msgspec.structs.replace(plan, execute_us=plan.estimate_us)
    return follow(plan, facts, make_order(estimated, facts, priorities))


def make_order(estimated: Plan, facts: list[Facts], priorities: list[list[int]]) -> list[int]:
    """Return a good order on the estimates: positions in the order in which to write them.

    Args:
        estimated: The run, with the estimates in place of the true times.
        facts: What a policy knows of its calls.
        priorities: Priorities to begin from.
    """
    bound_us = lower_bound_us(estimated)
    found: list[Timing] = []
    # Several bases often come to the same priorities.
    for priority in map(list, dict.fromkeys(map(tuple, priorities))):
        greedy = run_async(estimated, priority)
        found.append(greedy)
        if greedy.makespan_us > bound_us:
            greedy_us = greedy.makespan_us - estimated.answer_us
            found.append(run_lookahead(estimated, facts, priority, idle=True, greedy_us=greedy_us))
        if found[-1].makespan_us == bound_us:
            return found[-1].order
    best = min(found, key=_makespan)  # the first of them
    return _improve(estimated, facts, best.order, bound_us)


def _makespan(timing: Timing) -> int:
    return timing.makespan_us


def _improve(plan: Plan, facts: list[Facts], order: list[int], bound_us: int) -> list[int]:
    """Move one call after another to where it helps, until none does."""
    best_us = run_async(plan, inverse(order), fixed=True).makespan_us
    closing_us = plan.last_batch_us + plan.answer_us
    moves, improved = 0, True
    while improved and best_us > bound_us:
        improved = False
        for call in order.copy():
            for moved in _moves(plan, order, call):
                if moves == MAX_MOVES:
                    return order
                moves += 1
                if _ends_before(plan, facts, moved, best_us - closing_us):
                    makespan_us = run_async(plan, inverse(moved), fixed=True).makespan_us
                    if makespan_us < best_us:
                        best_us, order, improved = makespan_us, moved, True
    return order


def _ends_before(plan: Plan, facts: list[Facts], order: list[int], limit_us: int) -> bool:
    """Whether an order may end before a time, by writing, needs and tails alone.

    It leaves workers, traps and requests out, so it may be wrong in one direction only.
    """
    predecessors, generate_us = plan.graph.predecessors, plan.generate_us
    execute_us, deliver_us = plan.execute_us, plan.deliver_us
    now_us = plan.start_us
    known_us = [0] * plan.size
    for call in order:
        for other in predecessors[call]:
            if known_us[other] > now_us:  # noqa: PLR1730 - a call would cost more than the loop
                now_us = known_us[other]
        now_us += generate_us[call]
        if now_us + facts[call].tail_us >= limit_us:
            return False
        known_us[call] = now_us + execute_us[call] + deliver_us[call]
    return True


def _moves(plan: Plan, order: list[int], call: int) -> list[list[int]]:
    """Return the orders that differ in the place of one call and respect what waits for what."""
    place = {other: position for position, other in enumerate(order)}
    first = max((place[other] + 1 for other in plan.graph.predecessors[call]), default=0)
    last = min((place[other] for other in plan.graph.successors[call]), default=plan.size)
    rest = [other for other in order if other != call]
    return [
        [*rest[:position], call, *rest[position:]]
        for position in range(first, last)
        if position != place[call]
    ]


def follow(plan: Plan, facts: list[Facts], order: list[int]) -> Timing:
    """Play a planned order, leaving it where a look ahead on the estimates finds better.

    Args:
        plan: The run.
        facts: What a policy knows of its calls.
        order: Positions in the order in which to write them.
    """
    lookahead = Lookahead(plan, facts, idle=True)
    progress = PartialRun(plan, inverse(order))
    written = 0
    planned_us: int | None = None  # when the last delivery is if the plan is kept to
    while progress.left:
        planned = order[written] if progress.ready and progress.ready[0] == written else TRAP
        choices = lookahead.choices(progress)
        decision, proved = choices[0] if choices else TRAP, False
        if len(choices) > 1:
            if planned_us is None:
                planned_us = lookahead.try_out(progress, fixed=True)
            best = Best(planned, planned_us)
            # What is proved of a step off the plan says nothing of the plan.
            proved = lookahead.improve(best, progress, choices) and best.end_us == planned_us
            decision = best.decision
        if decision != planned or not lookahead.is_exact:
            planned_us, proved = None, False
        if proved:
            play(plan, progress, plan.execute_us, fixed=True)
            break
        if decision != TRAP:
            _move_to_front(progress, order, written, decision)
            written += 1
        play(plan, progress, plan.execute_us, forced=decision, single=True)
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


def _move_to_front(progress: PartialRun, order: list[int], written: int, call: int) -> None:
    """Make a call that is written early the first of the rest of the plan."""
    ready = [order[place] for place in progress.ready]
    order.remove(call)
    order.insert(written, call)
    progress.priority, progress.by_priority = inverse(order), order
    progress.ready = sorted(progress.priority[one] for one in ready)
