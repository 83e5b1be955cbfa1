"""Looking ahead as the specification says it: everything is tried, nothing is left out or kept."""

from interpreter.schedule.models.asynchronous import PartialRun, inverse, play, run_async
from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.schedule.plan import Plan
from interpreter.schedule.policies.auto import _moves
from interpreter.schedule.policies.facts import Facts
from interpreter.schedule.policies.lookahead import Lookahead


def plain_lookahead(plan: Plan, facts: list[Facts], priority: list[int], *, idle: bool) -> Timing:
    """Each choice is tried; the first of the best is taken (Time/policy-lookahead)."""
    lookahead = Lookahead(plan, facts, idle=idle)
    progress = PartialRun(plan, priority)
    while progress.left:
        tried = [
            (lookahead.try_out(progress, forced=choice), place, choice)
            for place, choice in enumerate(lookahead.choices(progress))
        ]
        decision = min(tried)[2] if tried else TRAP
        play(plan, progress, plan.execute_us, forced=decision, single=True)
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


def plain_follow(plan: Plan, facts: list[Facts], order: list[int]) -> Timing:
    """The plan is tried at each boundary, then every choice; the plan wins ties."""
    lookahead, order = Lookahead(plan, facts, idle=True), order.copy()
    progress, written = PartialRun(plan, inverse(order)), 0
    while progress.left:
        choices = lookahead.choices(progress)
        decision = choices[0] if choices else TRAP
        if len(choices) > 1:
            planned = order[written] if progress.ready and progress.ready[0] == written else TRAP
            tried = [(lookahead.try_out(progress, fixed=True), -1, planned)]
            for place, choice in enumerate(choices):
                end_us = lookahead.try_out(progress, forced=choice)
                tried.append((end_us, place, choice))
            decision = min(tried)[2]
        if decision != TRAP:
            ready = [order[place] for place in progress.ready]
            order.remove(decision)
            order.insert(written, decision)
            written += 1
            progress.priority, progress.by_priority = inverse(order), order.copy()
            progress.ready = sorted(progress.priority[call] for call in ready)
        play(plan, progress, plan.execute_us, forced=decision, single=True)
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


def plain_improve(plan: Plan, order: list[int]) -> list[int]:
    """Every moved order is played; a better one is kept at once."""
    best_us, improved = played_us(plan, order), True
    while improved:
        improved = False
        for call in order.copy():
            for moved in _moves(plan, order, call):
                if played_us(plan, moved) < best_us:
                    best_us, order, improved = played_us(plan, moved), moved, True
    return order


def played_us(plan: Plan, order: list[int]) -> int:
    return run_async(plan, inverse(order), fixed=True).makespan_us
