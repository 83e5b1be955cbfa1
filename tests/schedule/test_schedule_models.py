"""The execution models against their closed forms and against the run told step by step."""

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from schedule_strategies import COSTS, FREE_COSTS, workloads

from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import Graph, build_graph
from interpreter.schedule.models.asynchronous import run_async
from interpreter.schedule.models.synchronous import run_sync, run_sync_parallel
from interpreter.schedule.models.timing import MODELS, TRAP, Model, PolicyName
from interpreter.schedule.narration.narrations import narrate_run
from interpreter.schedule.narration.spans import TimeSpan
from interpreter.schedule.plan import build_plan
from interpreter.schedule.policies.keys import priorities
from interpreter.schedule.simulate import Options, simulate_model
from interpreter.schedule.workload import Workload

QUICK_POLICIES: tuple[PolicyName, ...] = (
    "program",
    "random",
    "fan-tail",
    "lookahead",
    "lookahead-idle",
    "auto",
)
INDEPENDENT = workloads(dependent=False, arrivals=False, exact=True)
WORKERS = st.integers(0, 3)


def written_us(graph: Graph) -> list[int]:
    return [tokens * FREE_COSTS.token_us for tokens in graph.tokens]


@given(INDEPENDENT)
def test_sync_is_the_sum_of_all_times(workload: Workload) -> None:
    graph = build_graph(workload)
    makespan_us = run_sync(graph, FREE_COSTS).makespan_us
    assert makespan_us == sum(written_us(graph)) + sum(graph.execute_us)


@given(INDEPENDENT)
def test_sync_parallel_is_all_writing_and_the_longest_execution(workload: Workload) -> None:
    graph = build_graph(workload)
    makespan_us = run_sync_parallel(graph, FREE_COSTS).makespan_us
    assert makespan_us == sum(written_us(graph)) + max(graph.execute_us)


@given(INDEPENDENT)
def test_async_by_lpt_is_the_closed_form(workload: Workload) -> None:
    graph = build_graph(workload)
    plan = build_plan(graph, FREE_COSTS, "async")
    generate_us, execute_us = written_us(graph), graph.execute_us
    closed_us = max(
        own_us
        + sum(
            other_us
            for other_us, runs_us in zip(generate_us, execute_us, strict=True)
            if runs_us >= own_us
        )
        for own_us in execute_us
    )
    assert run_async(plan, priorities(plan, "lpt")).makespan_us == closed_us


@given(INDEPENDENT)
def test_async_lies_between_its_theorems(workload: Workload) -> None:
    """Theorem 6.1, made tight: Sync-Parallel - Async is at most Emax - Emin."""
    graph = build_graph(workload)
    plan = build_plan(graph, FREE_COSTS, "async")
    async_us = run_async(plan, priorities(plan, "lpt")).makespan_us
    parallel_us = run_sync_parallel(graph, FREE_COSTS).makespan_us
    assert async_us <= parallel_us <= run_sync(graph, FREE_COSTS).makespan_us
    assert parallel_us - async_us <= max(graph.execute_us) - min(graph.execute_us)


@given(workloads(), COSTS, WORKERS, st.sampled_from(MODELS), st.sampled_from(QUICK_POLICIES))
def test_makespan_is_the_end_of_the_told_run(
    workload: Workload, costs: Costs, workers: int, model: Model, policy: PolicyName
) -> None:
    graph = build_graph(workload)
    (result,) = simulate_model(graph, costs, model, (policy,), Options(workers=workers))
    spans = narrate_run(graph, costs, model, result.timing, workers)
    idle_start_us = min(graph.arrivals_us.values(), default=0)
    assert result.timing.makespan_us == max((span.end_us for span in spans), default=idle_start_us)
    check_story(graph, model, workers, spans)


def check_story(graph: Graph, model: Model, workers: int, spans: list[TimeSpan]) -> None:
    """What every run must respect, whatever the accounting."""
    busy = [span for span in spans if span.kind != "execute"]
    for earlier, later in pairwise(busy):
        assert earlier.end_us == later.start_us, "the generator is busy, trapped or waiting"
    ran = {span.call: span for span in spans if span.kind == "execute" and span.call is not None}
    assert sorted(ran) == list(range(graph.size))
    written = {span.call: span for span in spans if span.kind == "generate"}
    for call, span in ran.items():
        assert span.end_us - span.start_us == graph.execute_us[call]
        for other in graph.predecessors[call]:
            assert ran[other].end_us <= span.start_us
            if model != "futures" and call in written:
                assert ran[other].end_us <= written[call].start_us
        if call in written:
            assert written[call].end_us <= span.start_us
            assert graph.arrivals_us.get(graph.task[call], 0) <= written[call].start_us
    if workers:
        check_workers(workers, [span for span in ran.values() if span.end_us > span.start_us])


def check_workers(workers: int, spans: list[TimeSpan]) -> None:
    change: dict[int, int] = defaultdict(int)
    for span in spans:
        change[span.start_us] += 1
        change[span.end_us] -= 1
    running = 0
    for at_us in sorted(change):
        running += change[at_us]
        assert running <= workers


@given(workloads(), COSTS, WORKERS, st.sampled_from(MODELS))
def test_every_call_is_written_once_and_after_what_it_needs(
    workload: Workload, costs: Costs, workers: int, model: Model
) -> None:
    graph = build_graph(workload)
    for result in simulate_model(graph, costs, model, QUICK_POLICIES, Options(workers=workers)):
        order = result.timing.order
        assert sorted(order) == list(range(graph.size))
        place = {call: position for position, call in enumerate(order)}
        for call in order:
            assert all(place[other] < place[call] for other in graph.predecessors[call])


@given(workloads(), COSTS, st.sampled_from(MODELS))
def test_as_many_workers_as_calls_are_no_limit(
    workload: Workload, costs: Costs, model: Model
) -> None:
    graph = build_graph(workload)
    free = simulate_model(graph, costs, model, QUICK_POLICIES, Options())
    enough = simulate_model(graph, costs, model, QUICK_POLICIES, Options(workers=graph.size))
    assert free == enough


@given(workloads(arrivals=False), COSTS)
def test_naive_without_requests_is_async(workload: Workload, costs: Costs) -> None:
    costs = replace(costs, naive_request_us=0, final_request="none")
    graph = build_graph(workload)
    options = Options()
    naive = simulate_model(graph, costs, "async-naive", ("fan-tail",), options)
    assert naive == simulate_model(graph, costs, "async", ("fan-tail",), options)


@given(workloads(), COSTS, WORKERS)
def test_static_priority_is_never_idle_while_a_call_is_ready(
    workload: Workload, costs: Costs, workers: int
) -> None:
    """A trap comes only where every undelivered call waits for something."""
    plan = build_plan(build_graph(workload), costs, "async", workers)
    decisions = run_async(plan, priorities(plan, "program")).decisions
    trapless = [call for call in decisions if call != TRAP]
    if not any(plan.waiting):
        assert decisions[: len(trapless)] == list(range(plan.size))
