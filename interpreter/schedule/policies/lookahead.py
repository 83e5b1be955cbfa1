"""Policies that try each next step on the estimates before they take it (spec/4-time.md).

At a call boundary every ready call is tried: write it, then go on by fan-tail to the end. The
least makespan wins, ties go to the first by fan-tail. `lookahead-idle` also tries to trap although
calls are ready, which pays when a call of long tail is about to become ready.

A step that a lower bound shows to be no better is not tried, and nothing is tried any more once the
run is known to come to its bound. Both save time and change no decision.
"""

from heapq import heapify, heapreplace
from typing import Final

import msgspec

from interpreter.schedule.models.asynchronous import FREE, PartialRun, play
from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.schedule.plan import Plan
from interpreter.schedule.policies.facts import Facts

MAX_CALLS: Final = 200
"""Larger workloads are played greedily: looking ahead costs the square of their size and more."""

MAX_TRIED: Final = 16
"""How many ready calls are tried at one boundary, the first by priority."""


def run_lookahead(
    plan: Plan,
    facts: list[Facts],
    priority: list[int],
    *,
    idle: bool,
    greedy_us: int | None = None,
) -> Timing:
    """Play a run in which each decision is tried out first (Time/policy-lookahead).

    Args:
        plan: The run.
        facts: What a policy knows of its calls.
        priority: The priority by which a trial goes on, and that breaks ties.
        idle: Whether a trap is tried, too, although calls are ready (Time/policy-lookahead-idle).
        greedy_us: When the last delivery is, as estimated, by the priority alone, where known.
    """
    lookahead = Lookahead(plan, facts, idle=idle)
    progress = PartialRun(plan, priority)
    while progress.left:
        choices = lookahead.choices(progress)
        decision, proved = choices[0] if choices else TRAP, False
        if len(choices) > 1:
            if greedy_us is None:
                greedy_us = lookahead.try_out(progress, forced=decision)
            best = Best(decision, greedy_us)
            proved = lookahead.improve(best, progress, choices[1:])
            decision, greedy_us = best.decision, best.end_us if lookahead.is_exact else None
        to_the_end = proved and lookahead.is_exact
        play(plan, progress, plan.execute_us, forced=decision, single=not to_the_end)
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


class Best(msgspec.Struct):
    """The best decision found so far at one boundary.

    Args:
        decision: A call, or `TRAP`.
        end_us: When the last delivery is after it, as estimated.
    """

    decision: int
    end_us: int


class Lookahead:
    """Tries decisions of one run before they are taken.

    Args:
        plan: The run.
        facts: What a policy knows of its calls.
        idle: Whether a trap is tried, too, although calls are ready.

    Attributes:
        is_exact: Whether the estimates are the truth, so that what a trial does is what happens.
    """

    def __init__(self, plan: Plan, facts: list[Facts], *, idle: bool) -> None:
        self.is_exact = plan.estimate_us == plan.execute_us and not plan.messages
        self._plan = plan
        self._idle = idle
        # A trial leaves out the tasks that have not arrived: with messages no chain is sure.
        known = [] if plan.messages else facts
        self._tails_us = [call.tail_us for call in known] or [0] * plan.size
        self._by_tail = sorted(range(len(known)), key=lambda call: -self._tails_us[call])

    def choices(self, progress: PartialRun) -> list[int]:
        """Return the decisions to try at a boundary: the first ready calls, and perhaps a trap."""
        choices = [progress.by_priority[place] for place in sorted(progress.ready)[:MAX_TRIED]]
        if self._idle and _awaits_call(self._plan, progress):
            choices.append(TRAP)
        return choices

    def try_out(self, progress: PartialRun, *, forced: int = FREE, fixed: bool = False) -> int:
        """Return when the last delivery is, as estimated; the parameters are those of `play`."""
        trial = progress.copy() if self.is_exact else start_trial(self._plan, progress)
        play(self._plan, trial, self._plan.estimate_us, forced=forced, fixed=fixed)
        return trial.now_us

    def improve(self, best: Best, progress: PartialRun, choices: list[int]) -> bool:
        """Look for a decision after which the last delivery is sooner, going on by priority.

        Args:
            best: The decision to beat; changed where one does.
            progress: How far the run has come.
            choices: The decisions to try.

        Returns:
            Whether it is proved that no decision leads to a last delivery that is sooner.
        """
        seen = progress if self.is_exact else start_trial(self._plan, progress)
        bounds = _Bounds(self._plan, self._tails_us, self._by_tail, progress, seen.in_flight)
        for choice in choices:
            if best.end_us <= bounds.least_us:
                break
            if bounds.after_us(choice) < best.end_us:
                end_us = self.try_out(progress, forced=choice)
                if end_us < best.end_us:
                    best.decision, best.end_us = choice, end_us
        return best.end_us <= bounds.least_us


class _Bounds:
    """How soon the last delivery can be from one boundary on, as estimated.

    What is in flight is followed by its tail. What is not written is written one after another:
    the last of those with the longest tails ends when all of them are written and the shortest of
    their tails has passed, whatever their order.

    Attributes:
        least_us: The bound whatever the next decision is.
    """

    def __init__(
        self,
        plan: Plan,
        tails_us: list[int],
        by_tail: list[int],
        progress: PartialRun,
        in_flight: list[int],
    ) -> None:
        self._plan = plan
        self._tails_us = tails_us
        written = set(progress.slots)
        self._rest = [call for call in by_tail if call not in written]
        self._now_us = self._return_us = self._flight_us = progress.now_us
        stride = plan.stride
        for key in in_flight:
            call = progress.slots[key % stride]
            end_us = key // stride + tails_us[call] - plan.estimate_us[call]
            self._flight_us = max(self._flight_us, end_us)
        if in_flight:
            self._return_us = in_flight[0] // stride
        self.least_us = self._written_from(self._now_us, self._flight_us, FREE)

    def after_us(self, decision: int) -> int:
        """Return the bound after a decision."""
        if decision == TRAP:
            boundary_us = max(self._now_us + self._plan.trap_us, self._return_us)
            return self._written_from(boundary_us, self._flight_us, decision)
        boundary_us = self._now_us + self._plan.generate_us[decision]
        ends_us = max(self._flight_us, boundary_us + self._tails_us[decision])
        return self._written_from(boundary_us, ends_us, decision)

    def _written_from(self, now_us: int, bound_us: int, written: int) -> int:
        generate_us, tails_us = self._plan.generate_us, self._tails_us
        for call in self._rest:
            if call != written:
                now_us += generate_us[call]
                end_us = now_us + tails_us[call]
                if end_us > bound_us:  # noqa: PLR1730 - a call would cost more than the loop
                    bound_us = end_us
        return bound_us


def _awaits_call(plan: Plan, progress: PartialRun) -> bool:
    """Whether a call is in flight: a trap on messages alone is never tried."""
    if not plan.messages:
        return bool(progress.in_flight)
    messages, stride = len(plan.messages), plan.stride
    return any(key % stride >= messages for key in progress.in_flight)


def start_trial(plan: Plan, progress: PartialRun) -> PartialRun:
    """Return a copy of the progress as a policy sees it: what is in flight ends by its estimate."""
    stride = plan.stride
    trial = progress.copy()
    trial.free_us = [progress.now_us] * plan.workers
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


def _estimated_end_us(plan: Plan, progress: PartialRun, trial: PartialRun, slot: int) -> int:
    call = progress.slots[slot]
    begin_us = progress.begin_us[slot]
    if begin_us > progress.now_us:  # It still waits for a worker.
        begin_us = trial.free_us[0]
    end_us = max(progress.now_us, begin_us + plan.estimate_us[call])
    if trial.free_us:
        heapreplace(trial.free_us, end_us)
    return end_us
