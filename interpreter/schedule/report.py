"""The report of a simulation: one JSON document, or a table for people (spec/4-time.md)."""

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import build_graph
from interpreter.schedule.simulate import Options, simulate_model, workload_bound_us
from interpreter.schedule.synchronous import run_sync
from interpreter.schedule.timing import Model, PolicyName
from interpreter.schedule.workload import Fault, Workload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table


class Run(msgspec.Struct, frozen=True):
    """One workload under one model and one policy.

    Args:
        model: The execution model.
        policy: The policy; Sync and Sync-Parallel keep the program order whatever it is.
        makespan_us: From time zero to the last token of the answer, in microseconds.
        order: Identifiers of the calls in the order in which they were written.
        lower_bound_us: No run of this model is shorter.
        gap: `(makespan - bound) / bound`; 0 when both are 0.
    """

    model: Model
    policy: PolicyName
    makespan_us: int
    order: tuple[str, ...]
    lower_bound_us: int
    gap: float


class WorkloadReport(msgspec.Struct, frozen=True):
    """All runs of one workload.

    Args:
        id: Name of the workload.
        lower_bound_us: No run of Sync, Sync-Parallel, Async or Async-Naive is shorter.
        runs: One for each model and policy, models first.
    """

    id: str
    lower_bound_us: int
    runs: tuple[Run, ...]


class Summary(msgspec.Struct, frozen=True):
    """One model and policy over all workloads (Time/summary).

    Args:
        model: The execution model.
        policy: The policy.
        mean_makespan_us: Mean over the workloads, in microseconds.
        speedup_vs_sync: Sum of the Sync makespans over the sum of these.
        mean_gap: Mean of the gaps.
        p95_gap: Least gap that at least 95% of the workloads do not exceed.
    """

    model: Model
    policy: PolicyName
    mean_makespan_us: float
    speedup_vs_sync: float
    mean_gap: float
    p95_gap: float


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `cml simulate --json` prints.

    Args:
        costs: The accounting.
        workloads: One entry for each workload, in the order of the input.
        summary: One entry for each model and policy.
        faults: Lines that were left out because they hold no workload; absent when none.
    """

    costs: Costs
    workloads: tuple[WorkloadReport, ...]
    summary: tuple[Summary, ...]
    faults: tuple[Fault, ...] = ()


class _Tally:
    """Sums over the workloads for one model and policy."""

    __slots__ = ("gaps", "makespan_us")

    def __init__(self) -> None:
        self.makespan_us = 0
        self.gaps: list[float] = []


def simulate(
    workloads: "Iterable[Workload | Fault]",
    costs: Costs,
    models: tuple[Model, ...],
    policies: tuple[PolicyName, ...],
    options: Options | None = None,
) -> Report:
    """Simulate workloads under every model and policy.

    Args:
        workloads: Checked workloads; faults are carried over into the report.
        costs: The accounting.
        models: Execution models.
        policies: Scheduling policies.
        options: Workers, seed and solver time; default unlimited, 0, and 10 s.

    Raises:
        MissingSolverError: The policy `optimal` needs OR-Tools, which is not installed.
    """
    options = options or Options()
    sync_us = 0
    tallies: dict[tuple[Model, PolicyName], _Tally] = defaultdict(_Tally)
    reports: list[WorkloadReport] = []
    faults: list[Fault] = []
    for workload in workloads:
        if isinstance(workload, Fault):
            faults.append(workload)
            continue
        report, one_sync_us = _report_workload(workload, costs, models, policies, options)
        sync_us += one_sync_us
        reports.append(report)
        for run in report.runs:
            tally = tallies[run.model, run.policy]
            tally.makespan_us += run.makespan_us
            tally.gaps.append(run.gap)
    summary = tuple(_summarise(key, tally, sync_us) for key, tally in tallies.items())
    return Report(costs, tuple(reports), summary, tuple(faults))


def _report_workload(
    workload: Workload,
    costs: Costs,
    models: tuple[Model, ...],
    policies: tuple[PolicyName, ...],
    options: Options,
) -> tuple[WorkloadReport, int]:
    graph = build_graph(workload)
    runs: list[Run] = []
    for model in models:
        results = simulate_model(graph, costs, model, policies, options)
        for policy, result in zip(policies, results, strict=True):
            runs.append(
                Run(
                    model=model,
                    policy=policy,
                    makespan_us=result.timing.makespan_us,
                    order=tuple(graph.ids[call] for call in result.timing.order),
                    lower_bound_us=result.lower_bound_us,
                    gap=gap(result.timing.makespan_us, result.lower_bound_us),
                )
            )
    bound_us = workload_bound_us(graph, costs, options.workers)
    report = WorkloadReport(workload.id, bound_us, tuple(runs))
    return report, run_sync(graph, costs).makespan_us


def gap(makespan_us: int, bound_us: int) -> float:
    """How far a run is from a bound, relative to the bound (Time/gap)."""
    if makespan_us == bound_us:
        return 0.0
    return (makespan_us - bound_us) / bound_us if bound_us else float(makespan_us)


def percentile_95(values: list[float]) -> float:
    """Least value that at least 95% of the values do not exceed (Time/summary)."""
    rank = -(-95 * len(values) // 100)
    return sorted(values)[rank - 1]


def _summarise(key: tuple[Model, PolicyName], tally: _Tally, sync_us: int) -> Summary:
    model, policy = key
    count = len(tally.gaps)
    speedup = sync_us / tally.makespan_us if tally.makespan_us else 1.0
    return Summary(
        model=model,
        policy=policy,
        mean_makespan_us=tally.makespan_us / count,
        speedup_vs_sync=speedup,
        mean_gap=sum(tally.gaps) / count,
        p95_gap=percentile_95(tally.gaps),
    )


def summary_table(report: Report) -> "Table":
    """Lay the summary out for people."""
    from rich.table import Table

    table = Table(title=f"{len(report.workloads)} workloads")
    for column in ("model", "policy"):
        table.add_column(column)
    for column in ("mean makespan", "vs Sync", "mean gap", "95% gap"):
        table.add_column(column, justify="right")
    shown: set[Model] = set()
    for line in report.summary:
        waits = line.model in ("sync", "sync-parallel")
        if waits and line.model in shown:
            continue  # Their order does not depend on the policy.
        shown.add(line.model)
        table.add_row(
            line.model,
            "—" if waits else line.policy,
            f"{line.mean_makespan_us / 1000:,.1f} ms",
            f"{line.speedup_vs_sync:.2f}x",
            f"{100 * line.mean_gap:.2f}%",
            f"{100 * line.p95_gap:.2f}%",
        )
    return table
