"""The three theorems of arXiv 2412.07017, section 6, checked by formula and by search.

All times are whole numbers; every instance is drawn from the seed or searched in order of size,
so the counterexamples repeat.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from interpreter.schedule.asynchronous import run_async
from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import build_graph
from interpreter.schedule.plan import build_plan
from interpreter.schedule.policies import priorities
from interpreter.schedule.synchronous import run_sync, run_sync_parallel
from interpreter.schedule.workload import Call, Workload

if TYPE_CHECKING:
    from interpreter.schedule.plan import Plan

DRAWN: Final = 2_000
_FREE: Final = Costs(token_us=1)
_WITH_TOKENS: Final = Costs(
    token_us=1,
    sync_call_tokens=3,
    parallel_call_tokens=1,
    parallel_round_tokens=3,
    async_call_tokens=4,
    trap_tokens=2,
)


class Finding(msgspec.Struct, frozen=True):
    """One statement and what became of it.

    Args:
        claim: What was checked.
        holds: Whether it held in every instance.
        evidence: How it was checked, with the counterexample where it fails.
    """

    claim: str
    holds: bool
    evidence: str


Times = tuple[tuple[int, int], ...]
"""Writing and running time of each call, in microseconds."""


def check_theorems(seed: int = 0) -> tuple[Finding, ...]:
    """Check every statement.

    Args:
        seed: Seed of the drawn instances.
    """
    random = Random(seed)  # noqa: S311 (reproducible, not secret)
    drawn = [_draw(random) for _ in range(DRAWN)]
    return (*_check_first(drawn), *_check_second(drawn), *_check_third(drawn))


def _draw(random: Random) -> Times:
    return tuple(
        (random.randint(1, 60), random.randint(1, 100)) for _ in range(random.randint(1, 8))
    )


def make_independent(times: Times, after: tuple[tuple[int, ...], ...] = ()) -> Workload:
    """Make a workload of calls with given times, independent unless `after` says otherwise."""
    needs = after or ((),) * len(times)
    return Workload(
        id="w",
        calls=tuple(
            Call(
                id=f"c{position}",
                generate_tokens=written,
                execute_us=ran,
                after=tuple(f"c{other}" for other in needs[position]),
            )
            for position, (written, ran) in enumerate(times)
        ),
    )


def _three(times: Times, costs: Costs) -> tuple[int, int, int]:
    """Give the makespans of Sync, Sync-Parallel and Async by LPT."""
    graph = build_graph(make_independent(times))
    plan = build_plan(graph, costs, "async")
    return (
        run_sync(graph, costs).makespan_us,
        run_sync_parallel(graph, costs).makespan_us,
        run_async(plan, priorities(plan, "lpt")).makespan_us,
    )


def _check_first(drawn: list[Times]) -> list[Finding]:
    several = [times for times in drawn if len(times) > 1]
    made = [(times, *_three(times, _FREE)) for times in drawn]
    below = all(later <= rounds for _, _, rounds, later in made)
    strictly = all(rounds < sync for times, sync, rounds, _ in made if len(times) > 1)
    tight = all(
        0 <= rounds - later <= max(e for _, e in times) - min(e for _, e in times)
        for times, _, rounds, later in made
    )
    with_tokens = next(
        times
        for size in (1, 2, 3)
        for times in product(product((1, 2, 5), (1, 2, 5)), repeat=size)
        if size > 1 and _three(times, _WITH_TOKENS)[2] > _three(times, _WITH_TOKENS)[1]
    )
    _, rounds_us, async_us = _three(with_tokens, _WITH_TOKENS)
    one = _three(((3, 5),), _FREE)
    return [
        Finding(
            "6.1: Async ≤ Sync-Parallel, when asynchronous calling adds no tokens",
            below,
            f"{len(drawn)} drawn sets of 1 to 8 independent calls",
        ),
        Finding(
            "6.1: Async ≤ Sync-Parallel, when it adds its tokens (4 a call and 2 a trap, against 1"
            " a call and 3 a round)",
            holds=False,
            evidence=f"calls (G, E) = {with_tokens}: Async {async_us}, Sync-Parallel {rounds_us}",
        ),
        Finding(
            "6.1: Sync-Parallel < Sync, for two calls and more",
            strictly,
            f"{len(several)} drawn sets",
        ),
        Finding(
            "6.1: Sync-Parallel < Sync, for any number of calls",
            one[1] < one[0],
            f"one call (G, E) = (3, 5): both take {one[0]}",
        ),
        Finding(
            "tighter: 0 ≤ Sync-Parallel − Async ≤ max E − min E",
            tight,
            f"{len(drawn)} drawn sets",
        ),
    ]


def _check_second(drawn: list[Times]) -> list[Finding]:
    bound = exact = True
    for times in drawn:
        sync, _, later = _three(times, _FREE)
        written, ran = sum(g for g, _ in times), sum(e for _, e in times)
        limit = 1 + Fraction(ran, written)
        rest = later - written
        exact &= limit - Fraction(sync, later) == limit * Fraction(rest, written + rest)
        exact &= min(e for _, e in times) <= rest <= max(e for _, e in times)
        bound &= Fraction(sync, later) < limit
    return [
        Finding(
            "6.2: Sync / Async approaches 1 + ρ from below, ρ = mean E / mean G",
            bound,
            f"strictly below in {len(drawn)} drawn sets",
        ),
        Finding(
            "6.2: the error is exactly (1 + ρ)·T / (ΣG + T), with min E ≤ T ≤ max E",
            exact,
            f"equal as fractions in {len(drawn)} drawn sets",
        ),
        Finding("6.2: the error is O(ρ²), as printed", holds=False, evidence=_linear_error()),
    ]


def _linear_error() -> str:
    """Show that the error shrinks like ρ, not like ρ²: error / ρ² has no bound."""
    told: list[str] = []
    for ran in (100, 10, 1):
        sync, _, later = _three(((1_000, ran),) * 10, _FREE)
        share = Fraction(ran, 1_000)
        error = 1 + share - Fraction(sync, later)
        told.append(f"ρ = {float(share):g}: error / ρ² = {float(error / share**2):.3g}")
    return "ten calls of G = 1000: " + ", ".join(told)


def _check_third(drawn: list[Times]) -> list[Finding]:
    small = [times for times in drawn if len(times) <= 6][:300]
    independent = all(
        _lpt_us(plan) == _best_us(plan) for times in small for plan in (_plan(times),)
    )
    chained = _find_chained()
    crowded = next(
        times
        for times in product(product((1, 2, 3), (1, 2, 3)), repeat=2)
        if _lpt_us(_plan(times, workers=1)) > _best_us(_plan(times, workers=1))
    )
    plan = _plan(crowded, workers=1)
    return [
        Finding(
            "6.3: LPT is optimal for independent calls",
            independent,
            f"against every order, {len(small)} drawn sets of at most 6 calls",
        ),
        Finding("6.3: LPT is optimal when calls need others", holds=False, evidence=chained),
        Finding(
            "6.3: LPT is optimal when workers are limited",
            holds=False,
            evidence=f"one worker, calls (G, E) = {crowded}: LPT {_lpt_us(plan)}, best"
            f" {_best_us(plan)}",
        ),
    ]


def _plan(times: Times, after: tuple[tuple[int, ...], ...] = (), workers: int = 0) -> Plan:
    return build_plan(build_graph(make_independent(times, after)), _FREE, "async", workers)


def _lpt_us(plan: Plan) -> int:
    return run_async(plan, priorities(plan, "lpt")).makespan_us


def _best_us(plan: Plan) -> int:
    return min(run_async(plan, list(order)).makespan_us for order in permutations(range(plan.size)))


def _find_chained() -> str:
    after = ((), (0,), ())
    for times in product(product((1, 2, 3), (1, 2, 3)), repeat=3):
        plan = _plan(times, after)
        if _lpt_us(plan) > _best_us(plan):
            return (
                f"the second call needs the first, calls (G, E) = {times}: LPT {_lpt_us(plan)},"
                f" best {_best_us(plan)}"
            )
    return "no counterexample of three calls found"
