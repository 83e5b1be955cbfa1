"""The policy `auto`: plan the whole run on the estimates, then follow the plan with open eyes.

Planning tries several priorities, greedily and with a look ahead, and moves single calls of the
best order while that helps. At run time the plan is one choice among those of `lookahead-idle`, so
it is left where the true times have made it bad (spec/4-time.md, Time/policy-auto).
"""

from typing import Final

import msgspec

from interpreter.schedule.models.asynchronous import Progress, inverse, play, run_async
from interpreter.schedule.models.timing import TRAP, KeyPolicy, Timing
from interpreter.schedule.plan import Plan
from interpreter.schedule.policies.bounds import lower_bound_us
from interpreter.schedule.policies.facts import Facts
from interpreter.schedule.policies.keys import prioritise
from interpreter.schedule.policies.lookahead import choices_of, run_lookahead, start_trial

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
        return run_lookahead(plan, priorities[0], idle=True)
    estimated = msgspec.structs.replace(plan, execute_us=plan.estimate_us)
    return follow(plan, make_order(estimated, priorities))


def make_order(estimated: Plan, priorities: list[list[int]]) -> list[int]:
    """Find a good order on the estimates.

    Args:
        estimated: The run, with the estimates in place of the true times.
        priorities: Priorities to begin from.

    Returns:
        Positions in the order in which to write them.
    """
    bound_us = lower_bound_us(estimated)
    best = run_async(estimated, priorities[0])
    for priority in priorities:
        if best.makespan_us == bound_us:
            return best.order
        for timing in (
            run_async(estimated, priority),
            run_lookahead(estimated, priority, idle=True),
        ):
            best = min(best, timing, key=_makespan)
    # The same order, but keeping to it: traps that only cost time are gone.
    best = min(best, run_async(estimated, inverse(best.order), fixed=True), key=_makespan)
    return _improve(estimated, best.order, bound_us)


def _makespan(timing: Timing) -> int:
    return timing.makespan_us


def _improve(estimated: Plan, order: list[int], bound_us: int) -> list[int]:
    """Move one call after another to where it helps, until none does."""
    best_us = run_async(estimated, inverse(order), fixed=True).makespan_us
    moves, improved = 0, True
    while improved and best_us > bound_us:
        improved = False
        for call in order.copy():
            for moved in _moves(estimated, order, call):
                if moves == MAX_MOVES:
                    return order
                moves += 1
                makespan_us = run_async(estimated, inverse(moved), fixed=True).makespan_us
                if makespan_us < best_us:
                    best_us, order, improved = makespan_us, moved, True
    return order


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


def follow(plan: Plan, order: list[int]) -> Timing:
    """Play a planned order, leaving it where a look ahead on the estimates finds better.

    Args:
        plan: The run.
        order: Positions in the order in which to write them.
    """
    priority = inverse(order)
    progress = Progress(plan, priority)
    written = 0
    while progress.left:
        decision = _decide(plan, progress, order, written)
        if decision != TRAP:
            # What is written early moves to the front of the rest of the plan.
            ready = [order[place] for place in progress.ready]
            order.remove(decision)
            order.insert(written, decision)
            priority = inverse(order)
            progress.ready = sorted(priority[call] for call in ready)
            written += 1
        play(plan, progress, priority, order, plan.execute_us, forced=decision, single=True)
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


def _decide(plan: Plan, progress: Progress, order: list[int], written: int) -> int:
    priority = inverse(order)
    choices = choices_of(plan, progress, order, idle=True)
    if len(choices) < 2:
        return choices[0] if choices else TRAP
    trial = start_trial(plan, progress)
    play(plan, trial, priority, order, plan.estimate_us, fixed=True)
    planned = progress.ready and progress.ready[0] == written
    best, best_us = order[written] if planned else TRAP, trial.now_us
    for choice in choices:
        trial = start_trial(plan, progress)
        play(plan, trial, priority, order, plan.estimate_us, forced=choice)
        if trial.now_us < best_us:
            best, best_us = choice, trial.now_us
    return best
