"""The report of a simulation (spec/4-time.md)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

import interpreter
from cml.arguments import require
from interpreter.schedule.costs import PRESETS, Costs
from interpreter.schedule.data.durations import blur_estimates
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.timing import DEFAULT_POLICY, PAPER_MODELS, Model, PolicyName
from interpreter.schedule.simulate import Bounds, Options, simulate_model
from interpreter.schedule.studies.experiment import Experiment
from interpreter.schedule.studies.frames import FrameLines, pandas_frame, polars_frame
from interpreter.schedule.studies.gaps import Gaps
from interpreter.schedule.workload import Fault, Workload, check_workload

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class SimulatedRun(msgspec.Struct, frozen=True):
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
    runs: tuple[SimulatedRun, ...]


class PolicySummary(msgspec.Struct, frozen=True):
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


class SimulationReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `cml simulate --json` prints.

    Args:
        costs: The accounting.
        workloads: One entry for each workload, in the order of the input.
        summary: One entry for each model and policy.
        faults: FrameLines that were left out because they hold no workload; absent when none.
    """

    costs: Costs
    workloads: tuple[WorkloadReport, ...]
    summary: tuple[PolicySummary, ...]
    faults: tuple[Fault, ...] = ()

    def to_pandas(self) -> "pd.DataFrame":
        """Return a table with a line for each run: its workload, and what `Run` says.

        Raises:
            MissingExtraError: pandas is not installed (extra `pandas`).
        """
        return pandas_frame(self._lines())

    def to_polars(self) -> "pl.DataFrame":
        """Return the same table as one of polars.

        Raises:
            MissingExtraError: polars is not installed (extra `polars`).
        """
        return polars_frame(self._lines())

    def _lines(self) -> FrameLines:
        return [
            {"workload": report.id, **msgspec.structs.asdict(run), "order": list(run.order)}
            for report in self.workloads
            for run in report.runs
        ]

    def _repr_html_(self) -> str:
        """Show the summary, in a notebook."""
        return interpreter.as_html(self)


class Tally:
    """What is kept of all workloads for a summary, in a bounded amount of memory."""

    def __init__(self) -> None:
        self.count = 0
        self._sync_us = 0
        self._makespans_us: dict[tuple[Model, PolicyName], int] = {}
        self._gaps: dict[tuple[Model, PolicyName], Gaps] = {}

    def add(self, report: WorkloadReport, sync_us: int) -> None:
        """Take the runs of one workload in.

        Args:
            report: Its runs.
            sync_us: Its makespan under Sync.
        """
        self.count += 1
        self._sync_us += sync_us
        for run in report.runs:
            key = (run.model, run.policy)
            self._makespans_us[key] = self._makespans_us.get(key, 0) + run.makespan_us
            self._gaps.setdefault(key, Gaps()).add(run.gap)

    def summary(self) -> tuple[PolicySummary, ...]:
        """Return one line for each model and policy (Time/summary)."""
        return tuple(
            PolicySummary(
                model=model,
                policy=policy,
                mean_makespan_us=makespan_us / self.count,
                speedup_vs_sync=self._sync_us / makespan_us if makespan_us else 1.0,
                mean_gap=self._gaps[model, policy].mean,
                p95_gap=self._gaps[model, policy].percentile_95(),
            )
            for (model, policy), makespan_us in self._makespans_us.items()
        )


def simulate(
    workloads: Iterable[Workload | Fault],
    costs: Costs = PRESETS["closed-form"],
    models: tuple[Model, ...] = PAPER_MODELS,
    policies: tuple[PolicyName, ...] = (DEFAULT_POLICY,),
    options: Options | None = None,
) -> SimulationReport:
    """Simulate workloads under every model and policy (spec/4-time.md), and keep all runs.

    What is kept grows with the number of workloads; `studies.corpus` is for files of millions.

    Example:
        A file with one workload a line, read and simulated:

        >>> import interpreter
        >>> from interpreter.schedule import PRESETS, read_workloads
        >>> with open("trip.jsonl", "rb") as file:
        ...     report = interpreter.simulate(read_workloads(file), PRESETS["gpt-4o"])
        >>> for line in report.summary:
        ...     print(f"{line.model:14}{line.mean_makespan_us / 1e6:.2f} s {line.speedup_vs_sync:.2f}x")
        sync          2.83 s 1.00x
        sync-parallel 2.44 s 1.16x
        async         1.72 s 1.65x
        async-naive   2.33 s 1.21x
        >>> [(run.model, run.order) for run in report.workloads[0].runs][2]
        ('async', ('hotels', 'weather', 'book'))

    Args:
        workloads: What to simulate; faults, as `read_workloads` yields them, are carried over.
        costs: What a token, a request, a trap and an interrupt take; a preset or your own.
        models: Execution models, of `MODELS`.
        policies: In which order calls are written, of `POLICIES`.
        options: Workers, seed of `random`, time limit of `optimal`.

    Raises:
        ValueError: A name is not known.
        WorkloadError: A workload breaks a rule of the format, such as a circle of calls.
        MissingExtraError: The policy `optimal` needs OR-Tools, which is not installed.
        TypeError: Something is no workload, or no costs.
    """
    require(workloads, Iterable, "workloads are an iterable of them, as read_workloads is")
    require(costs, Costs, "costs are interpreter.schedule.Costs, such as one of PRESETS")
    options = options or Options()
    experiment = Experiment(costs=costs, models=models, policies=policies, options=options)
    tally = Tally()
    reports: list[WorkloadReport] = []
    faults: list[Fault] = []
    for workload in workloads:
        if isinstance(workload, Fault):
            faults.append(workload)
            continue
        require(workload, Workload, "a workload is an interpreter.schedule.Workload")
        check_workload(workload)
        report, sync_us = report_workload(workload, experiment)
        tally.add(report, sync_us)
        reports.append(report)
    return SimulationReport(costs, tuple(reports), tally.summary(), tuple(faults))


def report_workload(workload: Workload, experiment: Experiment) -> tuple[WorkloadReport, int]:
    """Simulate one workload.

    Args:
        workload: A checked workload.
        experiment: What to simulate.

    Returns:
        Its runs, and its makespan under Sync in microseconds.

    Raises:
        MissingExtraError: The policy `optimal` needs OR-Tools, which is not installed.
    """
    if experiment.noise:
        workload = blur_estimates(workload, experiment.noise, experiment.options.seed)
    graph = build_graph(workload)
    bounds = Bounds(graph, experiment.costs, experiment.options.workers)
    runs: list[SimulatedRun] = []
    for model in experiment.models:
        results = simulate_model(
            graph, experiment.costs, model, experiment.policies, experiment.options, bounds=bounds
        )
        for policy, result in zip(experiment.policies, results, strict=True):
            runs.append(
                SimulatedRun(
                    model=model,
                    policy=policy,
                    makespan_us=result.timing.makespan_us,
                    order=tuple(graph.ids[call] for call in result.timing.order),
                    lower_bound_us=result.lower_bound_us,
                    gap=gap(result.timing.makespan_us, result.lower_bound_us),
                )
            )
    report = WorkloadReport(workload.id, bounds.workload_us(), tuple(runs))
    return report, bounds.sync_us


def gap(makespan_us: int, bound_us: int) -> float:
    """How far a run is from a bound, relative to the bound (Time/gap)."""
    if makespan_us == bound_us:
        return 0.0
    return (makespan_us - bound_us) / bound_us if bound_us else float(makespan_us)
