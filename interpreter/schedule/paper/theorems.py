"""The three theorems of arXiv 2412.07017, section 6, checked by formula and by search.

All times are whole numbers; every instance is drawn from the seed or searched in order of size,
so the counterexamples repeat.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from itertools import pairwise, permutations, product
from random import Random
from typing import Final

import msgspec

from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.asynchronous import run_async
from interpreter.schedule.models.synchronous import run_sync, run_sync_parallel
from interpreter.schedule.plan import Plan, build_plan
from interpreter.schedule.policies.keys import priorities
from interpreter.schedule.workload import Workload, WorkloadCall

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


class TheoremCheck(msgspec.Struct, frozen=True):
    """One claim and what became of it.

    Args:
        claim: What was checked.
        holds: Whether it held in every instance.
        evidence: In how many instances it was checked, or the first in which it fails.
    """

    claim: str
    holds: bool
    evidence: str


Times = tuple[tuple[int, int], ...]
"""Writing and running time of each call, in microseconds."""


def check_theorems(seed: int = 0) -> tuple[TheoremCheck, ...]:
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
            WorkloadCall(
                id=f"c{position}",
                generate_tokens=written,
                execute_us=ran,
                after=tuple(f"c{other}" for other in needs[position]),
            )
            for position, (written, ran) in enumerate(times)
        ),
    )


@cache
def _three(times: Times, costs: Costs) -> tuple[int, int, int]:
    """Return the makespans of Sync, Sync-Parallel and Async by LPT."""
    graph = build_graph(make_independent(times))
    plan = build_plan(graph, costs, "async")
    return (
        run_sync(graph, costs).makespan_us,
        run_sync_parallel(graph, costs).makespan_us,
        run_async(plan, priorities(plan, "lpt")).makespan_us,
    )


def _check_first(drawn: list[Times]) -> list[TheoremCheck]:
    several = [times for times in drawn if len(times) > 1]
    small = [
        times for size in (2, 3) for times in product(product((1, 2, 5), (1, 2, 5)), repeat=size)
    ]
    return [
        _check(
            "6.1: Async ≤ Sync-Parallel, when asynchronous calling adds no tokens",
            drawn,
            lambda times: _three(times, _FREE)[2] <= _three(times, _FREE)[1],
            f"{len(drawn)} drawn sets of 1 to 8 independent calls",
        ),
        _check(
            "6.1: Async ≤ Sync-Parallel, when it adds its tokens (4 a call and 2 a trap, against 1"
            " a call and 3 a round)",
            small,
            lambda times: _three(times, _WITH_TOKENS)[2] <= _three(times, _WITH_TOKENS)[1],
            f"{len(small)} sets of 2 and 3 calls",
            lambda times: (
                f"calls (G, E) = {times}: Async {_three(times, _WITH_TOKENS)[2]}, Sync-Parallel"
                f" {_three(times, _WITH_TOKENS)[1]}"
            ),
        ),
        _check(
            "6.1: Sync-Parallel < Sync, for two calls and more",
            several,
            lambda times: _three(times, _FREE)[1] < _three(times, _FREE)[0],
            f"{len(several)} drawn sets",
        ),
        _check(
            "6.1: Sync-Parallel < Sync, for any number of calls",
            [((3, 5),), *drawn],
            lambda times: _three(times, _FREE)[1] < _three(times, _FREE)[0],
            f"{len(drawn)} drawn sets",
            lambda times: f"one call (G, E) = {times[0]}: both take {_three(times, _FREE)[0]}",
        ),
        _check(
            "tighter: 0 ≤ Sync-Parallel − Async ≤ max E − min E",
            drawn,
            _is_tight,
            f"{len(drawn)} drawn sets",
        ),
    ]


def _is_tight(times: Times) -> bool:
    _, rounds, later = _three(times, _FREE)
    ran = [execute_us for _, execute_us in times]
    return 0 <= rounds - later <= max(ran) - min(ran)


def _check_second(drawn: list[Times]) -> list[TheoremCheck]:
    return [
        _check(
            "6.2: Sync / Async approaches 1 + ρ from below, ρ = mean E / mean G",
            drawn,
            lambda times: _error(times) > 0,
            f"strictly below in {len(drawn)} drawn sets",
        ),
        _check(
            "6.2: the error is exactly (1 + ρ)·T / (ΣG + T), with min E ≤ T ≤ max E",
            drawn,
            _is_exact,
            f"equal as fractions in {len(drawn)} drawn sets",
        ),
        _check_square(),
    ]


def _error(times: Times) -> Fraction:
    """How far Sync / Async is below 1 + ρ."""
    sync, _, later = _three(times, _FREE)
    return 1 + Fraction(sum(e for _, e in times), sum(g for g, _ in times)) - Fraction(sync, later)


def _is_exact(times: Times) -> bool:
    written, ran = sum(g for g, _ in times), [e for _, e in times]
    rest = _three(times, _FREE)[2] - written
    formula = (1 + Fraction(sum(ran), written)) * Fraction(rest, written + rest)
    return _error(times) == formula and min(ran) <= rest <= max(ran)


def _check_square() -> TheoremCheck:
    """The error shrinks like ρ, not like ρ²: error / ρ² has no bound as ρ shrinks."""
    shares = [Fraction(ran, 1_000) for ran in (100, 10, 1)]
    over_square = [_error(((1_000, int(1_000 * share)),) * 10) / share**2 for share in shares]
    listed = ", ".join(
        f"ρ = {float(share):g}: error / ρ² = {float(quotient):.3g}"
        for share, quotient in zip(shares, over_square, strict=True)
    )
    return TheoremCheck(
        "6.2: the error is O(ρ²), as printed",
        all(later <= earlier for earlier, later in pairwise(over_square)),
        f"ten calls of G = 1000: {listed}",
    )


def _check_third(drawn: list[Times]) -> list[TheoremCheck]:
    small = [times for times in drawn if len(times) <= 6][:300]
    three = list(product(product((1, 2, 3), (1, 2, 3)), repeat=3))
    two = list(product(product((1, 2, 3), (1, 2, 3)), repeat=2))
    after = ((), (0,), ())
    return [
        _check(
            "6.3: LPT is optimal for independent calls",
            small,
            lambda times: _is_lpt_optimal(_plan(times)),
            f"against every order, {len(small)} drawn sets of at most 6 calls",
        ),
        _check(
            "6.3: LPT is optimal when calls need others",
            three,
            lambda times: _is_lpt_optimal(_plan(times, after)),
            f"against every order, {len(three)} sets of 3 calls, the second needing the first",
            lambda times: (
                f"the second call needs the first, {_against_best(times, _plan(times, after))}"
            ),
        ),
        _check(
            "6.3: LPT is optimal when workers are limited",
            two,
            lambda times: _is_lpt_optimal(_plan(times, workers=1)),
            f"against every order, {len(two)} sets of 2 calls on one worker",
            lambda times: f"one worker, {_against_best(times, _plan(times, workers=1))}",
        ),
    ]


def _check(
    claim: str,
    instances: Iterable[Times],
    holds: Callable[[Times], bool],
    searched: str,
    describe: Callable[[Times], str] = str,
) -> TheoremCheck:
    """Look for the first instance in which a claim does not hold.

    Args:
        claim: The claim in words.
        instances: Where to look.
        holds: Whether it holds in one instance.
        searched: The instances in words: the evidence when none is found.
        describe: The evidence when one is.
    """
    found = next((times for times in instances if not holds(times)), None)
    if found is None:
        return TheoremCheck(claim, holds=True, evidence=searched)
    return TheoremCheck(claim, holds=False, evidence=describe(found))


def _plan(times: Times, after: tuple[tuple[int, ...], ...] = (), workers: int = 0) -> Plan:
    return build_plan(build_graph(make_independent(times, after)), _FREE, "async", workers)


def _is_lpt_optimal(plan: Plan) -> bool:
    return _lpt_us(plan) == _best_us(plan)


def _against_best(times: Times, plan: Plan) -> str:
    return f"calls (G, E) = {times}: LPT {_lpt_us(plan)}, best {_best_us(plan)}"


def _lpt_us(plan: Plan) -> int:
    return run_async(plan, priorities(plan, "lpt")).makespan_us


def _best_us(plan: Plan) -> int:
    return min(run_async(plan, list(order)).makespan_us for order in permutations(range(plan.size)))
