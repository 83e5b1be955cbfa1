"""Policies that try each next step on the estimates before they take it (spec/4-time.md).

At a call boundary every ready call is tried: write it, then go on by fan-tail to the end. The
least makespan wins, ties go to the first by fan-tail. `lookahead-idle` also tries to trap although
calls are ready, which pays when a call of long tail is about to become ready.
"""

from heapq import heapify, heapreplace
from typing import Final

from interpreter.schedule.models.asynchronous import Progress, inverse, play, stride_of
from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.schedule.plan import Plan

MAX_CALLS: Final = 200
"""Larger workloads are played greedily: looking ahead costs the square of their size and more."""

MAX_TRIED: Final = 16
"""How many ready calls are tried at one boundary, the first by priority."""


def run_lookahead(plan: Plan, priority: list[int], *, idle: bool) -> Timing:
    """Play a run in which each decision is tried out first (Time/policy-lookahead).

    Args:
        plan: The run.
        priority: The priority by which a trial goes on, and that breaks ties.
        idle: Whether a trap is tried, too, although calls are ready (Time/policy-lookahead-idle).
    """
    by_priority = inverse(priority)
    progress = Progress(plan, priority)
    while progress.left:
        decision = _decide(plan, progress, priority, by_priority, idle=idle)
        play(
            plan,
            progress,
            priority,
            by_priority,
            plan.execute_us,
            forced=decision,
            single=True,
        )
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


def _decide(
    plan: Plan, progress: Progress, priority: list[int], by_priority: list[int], *, idle: bool
) -> int:
    choices = choices_of(plan, progress, by_priority, idle=idle)
    if len(choices) < 2:
        return choices[0] if choices else TRAP
    best, best_us = TRAP, -1
    for choice in choices:
        trial = start_trial(plan, progress)
        play(plan, trial, priority, by_priority, plan.estimate_us, forced=choice)
        if best_us < 0 or trial.now_us < best_us:
            best, best_us = choice, trial.now_us
    return best


def choices_of(plan: Plan, progress: Progress, by_priority: list[int], *, idle: bool) -> list[int]:
    """Return the decisions to try at a boundary: the first ready calls, and perhaps a trap.

    Args:
        plan: The run.
        progress: Where it stands.
        by_priority: Call of each priority.
        idle: Whether to try a trap, if a call is in flight that could end it.
    """
    choices = [by_priority[place] for place in sorted(progress.ready)[:MAX_TRIED]]
    if idle and _awaits_call(plan, progress):
        choices.append(TRAP)
    return choices


def _awaits_call(plan: Plan, progress: Progress) -> bool:
    """Whether a call is in flight: a trap on messages alone is never tried."""
    messages, stride = len(plan.messages), stride_of(plan)
    return any(key % stride >= messages for key in progress.in_flight)


def start_trial(plan: Plan, progress: Progress) -> Progress:
    """Return a copy of the progress as a policy sees it: what is in flight ends by its estimate."""
    now_us, stride = progress.now_us, stride_of(plan)
    trial = object.__new__(Progress)
    trial.now_us = now_us
    trial.left = progress.left
    trial.ready = progress.ready.copy()
    trial.waiting = progress.waiting.copy()
    trial.slots = progress.slots.copy()
    trial.begin_us = progress.begin_us.copy()
    trial.decisions = []
    trial.free_us = [now_us] * plan.workers
    trial.in_flight = []
    # Nobody knows of tasks that have not arrived: a trial ends without them.
    messages = len(plan.messages)
    coming = [progress.slots[key % stride] for key in progress.in_flight if key % stride < messages]
    trial.left -= len(_reachable(plan, coming)) if coming else 0
    for slot in sorted(key % stride for key in progress.in_flight):
        if slot >= messages:
            trial.in_flight.append(_estimated_end_us(plan, progress, trial, slot) * stride + slot)
    heapify(trial.in_flight)
    return trial


def _reachable(plan: Plan, sources: list[int]) -> set[int]:
    reached: set[int] = set()
    border = sources
    while border:
        border = [call for source in border for call in plan.successors[source]]
        border = [call for call in border if call not in reached]
        reached.update(border)
    return reached


def _estimated_end_us(plan: Plan, progress: Progress, trial: Progress, slot: int) -> int:
    call = progress.slots[slot]
    begin_us = progress.begin_us[slot]
    if begin_us > progress.now_us:  # It still waits for a worker.
        begin_us = trial.free_us[0]
    end_us = max(progress.now_us, begin_us + plan.estimate_us[call])
    if trial.free_us:
        heapreplace(trial.free_us, end_us)
    return end_us
