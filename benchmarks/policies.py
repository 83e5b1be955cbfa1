"""What a policy costs: microseconds a workload, beside a sort key and with the bound that all share.

Run `python benchmarks/policies.py`. Synthetic workloads of five families; the policies take turns.
"""

from functools import partial

from rich.console import Console
from rich.table import Table
from side_by_side import machine, medians_s

from interpreter.schedule.costs import PRESETS
from interpreter.schedule.data.synthetic import FAMILIES, make_synthetic
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.timing import RunnablePolicy
from interpreter.schedule.plan import Plan, build_plan
from interpreter.schedule.policies.bounds import lower_bound_us
from interpreter.schedule.simulate import run_policy

POLICIES: tuple[RunnablePolicy, ...] = ("program", "fan-tail", "lookahead-idle", "auto")
COUNT = 40


def make_plans(size: int, workers: int) -> list[Plan]:
    """Return runs of workloads of so many calls, as many of each family."""
    return [
        build_plan(build_graph(workload), PRESETS["closed-form"], "async", workers)
        for family in FAMILIES
        for workload in make_synthetic(family, COUNT, size=size)
    ]


def play(plans: list[Plan], policy: RunnablePolicy) -> None:
    for plan in plans:
        run_policy(plan, policy)


def bound(plans: list[Plan]) -> None:
    for plan in plans:
        lower_bound_us(plan)


def main() -> None:
    table = Table("calls", "workers", *POLICIES, "its bound", "auto over fan-tail")
    for size in (3, 8, 18):
        for workers in (0, 2):
            plans = make_plans(size, workers)
            times = medians_s(
                {policy: partial(play, plans, policy) for policy in POLICIES}
                | {"bound": partial(bound, plans)},
                5,
            )
            us = [f"{taken / len(plans) * 1e6:,.0f}" for taken in times.values()]
            ratio = f"{times['auto'] / times['fan-tail']:.1f}"
            table.add_row(str(size), str(workers or "∞"), *us, ratio)
    console = Console()
    console.print(f"{machine()}; µs a workload")
    console.print(table)


if __name__ == "__main__":
    main()
