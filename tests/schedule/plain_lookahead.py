"""Looking ahead as the specification says it: everything is tried, nothing is left out or kept."""

from interpreter.schedule.models.asynchronous import FREE, Progress, inverse, play, run_async
from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.schedule.plan import Plan
from interpreter.schedule.policies.auto import _moves
from interpreter.schedule.policies.facts import Facts
from interpreter.schedule.policies.lookahead import Lookahead


def plain_lookahead(plan: Plan, facts: list[Facts], priority: list[int], *, idle: bool) -> Timing:
    """Each choice is tried; the first of the best is taken (Time/policy-lookahead)."""
    lookahead, by_priority = Lookahead(plan, facts, idle=idle), inverse(priority)
    progress = Progress(plan, priority)
    while progress.left:
        tried = [
            (lookahead.try_out(progress, priority, by_priority, forced=choice), place, choice)
            for place, choice in enumerate(lookahead.choices(progress, by_priority))
        ]
        decision = min(tried)[2] if tried else TRAP
        one_step(plan, progress, priority, decision)
    return Timing(progress.now_us + plan.answer_us, progress.decisions)


def plain_follow(plan: Plan, facts: list[Facts], order: list[int]) -> Timing:
    """The plan is tried at each boundary, then every choice; the plan wins ties."""
    lookahead, order = Lookahead(plan, facts, idle=True), order.copy()
    progress, written = Progress(plan, inverse(order)), 0
    while progress.left:
        priority = inverse(order)
        choices = lookahead.choices(progress, order)
        decision = choices[0] if choices else TRAP
        if len(choices) > 1:
            planned = order[written] if progress.ready and progress.ready[0] == written else TRAP
            tried = [(lookahead.try_out(progress, priority, order, fixed=True), -1, planned)]
            for place, choice in enumerate(choices):
                end_us = lookahead.try_out(progress, priority, order, forced=choice)
                tried.append((end_us, place, choice))
            decision = min(tried)[2]
        if decision != TRAP:
            ready = [order[place] for place in progress.ready]
            order.remove(decision)
            order.insert(written, decision)
            written += 1
            progress.ready = sorted(inverse(order)[call] for call in ready)
        one_step(plan, progress, inverse(order), decision)
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


def one_step(plan: Plan, progress: Progress, priority: list[int], decision: int) -> None:
    assert decision != FREE
    by_priority = inverse(priority)
    play(plan, progress, priority, by_priority, plan.execute_us, forced=decision, single=True)
