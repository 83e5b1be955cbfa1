"""Runs step by step, for `cml simulate --trace` and `--plot`."""

from collections.abc import Iterator

import msgspec

from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import Graph, build_graph
from interpreter.schedule.models.timing import Model, PolicyName, Timing
from interpreter.schedule.narration.spans import Kind, TimeSpan, narrate_async
from interpreter.schedule.narration.waiting_spans import narrate_sync, narrate_sync_parallel
from interpreter.schedule.plan import build_plan
from interpreter.schedule.simulate import Options, run_model
from interpreter.schedule.workload import Workload


class Narration(msgspec.Struct, frozen=True):
    """One run of one workload, step by step.

    Args:
        workload: Name of the workload.
        model: The execution model.
        policy: The policy.
        makespan_us: From time zero to the last token of the answer, in microseconds.
        ids: Identifiers of the calls, by position.
        spans: What happened, in order of start.
    """

    workload: str
    model: Model
    policy: PolicyName
    makespan_us: int
    ids: tuple[str, ...]
    spans: tuple[TimeSpan, ...]


class SimulationRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the trace of a simulation.

    Args:
        workload: Name of the workload.
        model: The execution model.
        policy: The policy.
        kind: What took the time.
        start_us: When it began, in microseconds from time zero.
        end_us: When it ended.
        call: Identifier of the call that it was for, if for one.
    """

    workload: str
    model: Model
    policy: PolicyName
    kind: Kind
    start_us: int
    end_us: int
    call: str | None = None


def narrate_workload(
    workload: Workload,
    costs: Costs,
    models: tuple[Model, ...],
    policies: tuple[PolicyName, ...],
    options: Options,
) -> Iterator[Narration]:
    """Yield every run of one workload, step by step; the parameters are those of `simulate`."""
    graph = build_graph(workload)
    for model in models:
        timings, _ = run_model(graph, costs, model, policies, options)
        for policy, timing in zip(policies, timings, strict=True):
            spans = narrate_run(graph, costs, model, timing, options.workers)
            yield Narration(
                workload=workload.id,
                model=model,
                policy=policy,
                makespan_us=timing.makespan_us,
                ids=graph.ids,
                spans=tuple(sorted(spans, key=_by_start)),
            )


def narrate_run(
    graph: Graph, costs: Costs, model: Model, timing: Timing, workers: int
) -> list[TimeSpan]:
    """Return the steps of one run from its decisions.

    Args:
        graph: The workload.
        costs: The accounting.
        model: The execution model.
        timing: The run; its makespan is not looked at.
        workers: How many calls can run at once; 0 is without limit.
    """
    match model:
        case "sync":
            return narrate_sync(graph, costs, timing)
        case "sync-parallel":
            return narrate_sync_parallel(graph, costs, timing, workers)
        case "async" | "async-naive" | "futures":
            return narrate_async(build_plan(graph, costs, model, workers), timing)


def _by_start(span: TimeSpan) -> tuple[int, int]:
    return (span.start_us, span.end_us)


def trace_lines(narration: Narration) -> Iterator[bytes]:
    """Yield the steps of a narration as JSON Lines."""
    for span in narration.spans:
        step = SimulationRow(
            workload=narration.workload,
            model=narration.model,
            policy=narration.policy,
            kind=span.kind,
            start_us=span.start_us,
            end_us=span.end_us,
            call=None if span.call is None else narration.ids[span.call],
        )
        yield msgspec.json.encode(step) + b"\n"
