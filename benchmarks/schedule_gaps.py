"""How far is each policy from the optimum? Mean and 95% gaps, by workload, workers and noise.

Everything is drawn from a seed, so the tables repeat, up to the solver's time limit. The gap is
that to the optimum proved by CP-SAT where it is proved, else to the best bound. Writing costs
4500 µs a token and nothing else costs anything (the preset `closed-form`).

Run from the repository root, with OR-Tools installed:
    python benchmarks/schedule_gaps.py [--wheel BFCL_EVAL.whl] [--count N] [--seed S]
Without the wheel of bfcl-eval only the synthetic graphs are measured. Tokens of BFCL calls are
estimated as characters / 4. Dependencies by state run code of that wheel and need mpmath.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

from rich.console import Console
from rich.table import Table

from interpreter.schedule.costs import PRESETS
from interpreter.schedule.data.bfcl import Assumptions, Dependencies
from interpreter.schedule.data.datasets import BfclName, make_bfcl
from interpreter.schedule.data.synthetic import FAMILIES, make_synthetic
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.timing import RunnablePolicy
from interpreter.schedule.plan import Plan, build_plan
from interpreter.schedule.simulate import Options, run_optimal, run_policy
from interpreter.schedule.studies.gaps import percentile_95
from interpreter.schedule.studies.report import gap
from interpreter.schedule.workload import Workload

POLICIES: Final[tuple[RunnablePolicy, ...]] = (
    "program",
    "lpt",
    "longest-tail",
    "fan-tail",
    "lookahead-idle",
    "auto",
)
# (workers, spread of the estimates)
CONDITIONS: Final = ((0, 0.0), (1, 0.0), (2, 0.0), (4, 0.0), (0, 0.5))
BFCL_SETS: Final[tuple[tuple[BfclName, Dependencies], ...]] = (
    ("bfcl-parallel", "none"),
    ("bfcl-parallel-multiple", "none"),
    ("bfcl-multi-turn", "chain"),
    ("bfcl-multi-step-parallel", "chain"),
    ("bfcl-multi-step-parallel", "none"),
    ("bfcl-multi-step-parallel", "state"),
)


def bfcl_workloads(wheel: Path, count: int, seed: int, sigma: float) -> Iterator[Workload]:
    """Give the BFCL workloads of at least two calls, at most `count` of each set."""
    for name, dependencies in BFCL_SETS:
        assumptions = Assumptions(seed=seed, sigma=sigma, dependencies=dependencies)
        made = make_bfcl(name, wheel, lambda text: -(-len(text) // 4), assumptions, count=count)
        several = (workload for workload in made if len(workload.calls) > 1)
        yield from (workload for _, workload in zip(range(count), several, strict=False))


def synthetic_workloads(count: int, seed: int, sigma: float) -> Iterator[Workload]:
    """Give the synthetic workloads, `count` of each family, of 18 calls."""
    for family in FAMILIES:
        yield from make_synthetic(family, count, seed=seed, sigma=sigma)


def measure(plans: list[Plan], seconds: float) -> tuple[dict[RunnablePolicy, list[float]], int]:
    """Give the gaps of each policy, and of how many plans the optimum is proved."""
    gaps: dict[RunnablePolicy, list[float]] = {policy: [] for policy in POLICIES}
    proved = 0
    for plan in plans:
        optimum = run_optimal(plan, Options(solver_seconds=seconds))
        proved += optimum.proved
        for policy, found in gaps.items():
            found.append(gap(run_policy(plan, policy).makespan_us, optimum.lower_bound_us))
    return gaps, proved


def main() -> None:
    """Print one table for each kind of workload."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wheel", type=Path, help="the wheel of bfcl-eval")
    parser.add_argument("--count", type=int, default=40, help="workloads of each set or family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="solver time for one workload")
    arguments = parser.parse_args()
    console = Console(width=110)
    for kind in ["BFCL", "synthetic"] if arguments.wheel else ["synthetic"]:
        table = Table("workers", "σ", "workloads", "proved", *POLICIES, title=f"{kind}: mean / 95%")
        begin = perf_counter()
        for workers, sigma in CONDITIONS:
            made = (
                bfcl_workloads(arguments.wheel, arguments.count, arguments.seed, sigma)
                if kind == "BFCL"
                else synthetic_workloads(arguments.count, arguments.seed, sigma)
            )
            plans = [
                build_plan(build_graph(workload), PRESETS["closed-form"], "async", workers)
                for workload in made
            ]
            gaps, proved = measure(plans, arguments.seconds)
            cells = [f"{_mean(found):.2%} / {percentile_95(found):.1%}" for found in gaps.values()]
            unlimited = "∞" if workers == 0 else str(workers)
            table.add_row(unlimited, f"{sigma}", str(len(plans)), str(proved), *cells)
        console.print(table)
        console.print(f"{perf_counter() - begin:.0f} s")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
