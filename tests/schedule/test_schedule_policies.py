"""Policies and bounds: what is optimal where, and that no bound is ever beaten."""

from itertools import permutations
from random import Random

import pytest
from extras import from_extra
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from plain_lookahead import plain_follow, plain_improve, plain_lookahead, played_us
from schedule_strategies import COSTS, FREE_COSTS, workloads
from trying import tries

from interpreter.schedule.costs import Costs
from interpreter.schedule.data.synthetic import FAMILIES, make_synthetic
from interpreter.schedule.graph import Graph, build_graph, least_order
from interpreter.schedule.models.asynchronous import inverse, run_async
from interpreter.schedule.models.synchronous import final_us
from interpreter.schedule.models.timing import MODELS, KeyPolicy, Model, PolicyName, RunnablePolicy
from interpreter.schedule.plan import Plan, build_plan
from interpreter.schedule.policies.auto import _improve, follow
from interpreter.schedule.policies.bounds import jackson_us, lower_bound_us
from interpreter.schedule.policies.facts import gather_facts
from interpreter.schedule.policies.keys import KEYS, priorities, prioritise
from interpreter.schedule.policies.lookahead import run_lookahead
from interpreter.schedule.simulate import (
    Bounds,
    Options,
    run_optimal,
    run_policy,
    simulate_model,
)
from interpreter.schedule.workload import Workload, WorkloadCall

RUNNABLE: tuple[RunnablePolicy, ...] = (*KEYS, "lookahead", "lookahead-idle", "auto")
WORKERS = st.integers(0, 3)


def orders(graph: Graph) -> list[list[int]]:
    """Every order in which the calls could be written."""
    return [
        list(order)
        for order in permutations(range(graph.size))
        if all(order.index(b) < order.index(c) for c in order for b in graph.predecessors[c])
    ]


def best_us(plan: Plan) -> int:
    """The optimum, by trying everything; a plan without cost of traps."""
    return min(
        run_async(plan, inverse(order), fixed=True).makespan_us for order in orders(plan.graph)
    )


def plan_of(workload: Workload, workers: int = 0, costs: Costs = FREE_COSTS) -> Plan:
    return build_plan(build_graph(workload), costs, "async", workers)


@given(workloads(most_calls=6, dependent=False, arrivals=False, exact=True))
def test_lpt_is_optimal_for_independent_calls(workload: Workload) -> None:
    """Theorem 6.3, also for unequal writing times."""
    plan = plan_of(workload)
    assert run_policy(plan, "lpt").makespan_us == best_us(plan)


@given(workloads(most_calls=6, dependent=False, arrivals=False, exact=True))
def test_johnson_is_optimal_for_independent_calls_on_one_worker(workload: Workload) -> None:
    plan = plan_of(workload, workers=1)
    assert run_policy(plan, "johnson").makespan_us == best_us(plan)


@given(workloads(arrivals=False, exact=True))
def test_longest_tail_is_optimal_for_futures(workload: Workload) -> None:
    """One machine with tails and without heads: the bound is reached."""
    plan = build_plan(build_graph(workload), FREE_COSTS, "futures")
    assert run_policy(plan, "longest-tail").makespan_us == lower_bound_us(plan)


@tries(40)
@given(workloads(most_calls=6, exact=True), WORKERS)
def test_optimal_is_the_best_order_and_never_below_the_bound(
    workload: Workload, workers: int
) -> None:
    from_extra("optimal", "ortools")
    plan = plan_of(workload, workers)
    optimum = run_optimal(plan, Options())
    assert optimum.lower_bound_us <= best_us(plan) <= optimum.timing.makespan_us
    if not workers:
        assert optimum.proved
        assert optimum.timing.makespan_us == best_us(plan)


@given(workloads(), COSTS, WORKERS, st.sampled_from(MODELS))
def test_no_run_is_shorter_than_its_bound(
    workload: Workload, costs: Costs, workers: int, model: Model
) -> None:
    graph = build_graph(workload)
    results = simulate_model(graph, costs, model, RUNNABLE, Options(workers=workers))
    bounds = Bounds(graph, costs, workers)
    for result in results:
        assert bounds.model_us(model) == result.lower_bound_us <= result.timing.makespan_us
        if model != "futures":
            assert bounds.workload_us() <= result.timing.makespan_us
            plan = build_plan(graph, costs, "async", workers)
            assert model != "async" or bounds.model_us(model) == lower_bound_us(plan)


def sync_in_order_us(graph: Graph, costs: Costs, order: list[int]) -> int:
    """How long it takes to call one after another in some order."""
    begun: list[int] = []
    now_us = 0
    for call in order:
        task = graph.task[call]
        if task not in begun:
            now_us += final_us(costs) if begun and costs.session_per_task else 0
            now_us = max(now_us, graph.arrivals_us.get(task, 0))
        now_us += costs.request_us if begun else 0
        begun.append(task)
        now_us += (graph.tokens[call] + costs.sync_call_tokens) * costs.token_us
        now_us += graph.execute_us[call]
    return now_us + final_us(costs)


@given(workloads(most_calls=5), COSTS)
def test_no_order_of_sync_is_shorter_than_its_own(workload: Workload, costs: Costs) -> None:
    graph = build_graph(workload)
    [result] = simulate_model(graph, costs, "sync", ("program",), Options())
    shortest_us = min(sync_in_order_us(graph, costs, order) for order in orders(graph))
    assert result.lower_bound_us == result.timing.makespan_us == shortest_us


@given(workloads(most_calls=5, exact=True), WORKERS)
def test_bound_lies_between_all_writing_and_the_best_order(
    workload: Workload, workers: int
) -> None:
    plan = plan_of(workload, workers)
    assert plan.start_us + sum(plan.generate_us) <= lower_bound_us(plan) <= best_us(plan)


@given(workloads(dependent=False, arrivals=False, exact=True))
def test_bound_is_reached_by_one_chain(workload: Workload) -> None:
    names = [call.id for call in workload.calls]
    chain = tuple(
        replace(call, after=tuple(names[position - 1 : position]))
        for position, call in enumerate(workload.calls)
    )
    plan = plan_of(Workload(id="w", calls=chain))
    assert run_policy(plan, "program").makespan_us == lower_bound_us(plan)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_jackson_agrees_with_one_unit_of_time_after_another(
    pieces: list[tuple[int, int, int]],
) -> None:
    """The same schedule, made microsecond by microsecond."""
    left = [work for _, work, _ in pieces]
    longest = max(head + tail for head, work, tail in pieces if not work) if 0 in left else 0
    now = 0
    while any(left):
        ready = [i for i, (head, _, _) in enumerate(pieces) if head <= now and left[i]]
        now += 1
        if ready:
            chosen = max(ready, key=lambda i: pieces[i][2])
            left[chosen] -= 1
            if not left[chosen]:
                longest = max(longest, now + pieces[chosen][2])
    heads, works, tails = (list(column) for column in zip(*pieces, strict=True))
    # Pieces without work still end no earlier than the machine can look at them.
    assert jackson_us(heads, works, tails) >= longest
    if all(works):
        assert jackson_us(heads, works, tails) == longest


@given(workloads(), COSTS, WORKERS)
def test_policies_are_deterministic(workload: Workload, costs: Costs, workers: int) -> None:
    plan = build_plan(build_graph(workload), costs, "async", workers)
    for policy in RUNNABLE:
        assert run_policy(plan, policy, 7) == run_policy(plan, policy, 7)


@given(workloads(exact=True, arrivals=False), WORKERS)
def test_auto_is_no_worse_than_what_it_tries(workload: Workload, workers: int) -> None:
    plan = plan_of(workload, workers)
    tried: tuple[RunnablePolicy, ...] = ("fan-tail", "lpt", "johnson", "lookahead-idle")
    auto_us = run_policy(plan, "auto").makespan_us
    assert auto_us <= min(run_policy(plan, policy).makespan_us for policy in tried)


@given(workloads(), st.permutations(range(8)))
def test_truth_behind_the_estimates_is_hidden_from_the_keys(
    workload: Workload, truth: list[int]
) -> None:
    """Two workloads that differ in true times only get the same priorities."""
    blurred = tuple(
        replace(call, execute_us=truth[position], estimate_us=call.execute_us)
        for position, call in enumerate(workload.calls)
    )
    sharp = tuple(replace(call, estimate_us=UNSET) for call in workload.calls)
    for policy in KEYS:
        assert priorities(plan_of(Workload(id="w", calls=blurred)), policy) == priorities(
            plan_of(Workload(id="w", calls=sharp)), policy
        )


ESTIMATED = st.one_of(workloads(), workloads(exact=True), workloads(exact=True, arrivals=False))


@tries(150)
@given(ESTIMATED, COSTS, WORKERS, st.booleans(), st.sampled_from(["lpt", "fan-tail", "program"]))
def test_what_is_not_tried_would_not_have_been_taken(
    workload: Workload, costs: Costs, workers: int, idle: bool, policy: KeyPolicy
) -> None:
    plan = build_plan(build_graph(workload), costs, "async", workers)
    facts = gather_facts(plan)
    priority = prioritise(facts, policy, 0)
    plain = plain_lookahead(plan, facts, priority, idle=idle)
    assert run_lookahead(plan, facts, priority, idle=idle) == plain
    known = replace(plan, execute_us=plan.estimate_us)
    if not plan.messages:
        greedy_us = run_async(known, priority).makespan_us - plan.answer_us
        found = run_lookahead(known, facts, priority, idle=idle, greedy_us=greedy_us)
        assert found == plain_lookahead(known, facts, priority, idle=idle)


@tries(150)
@given(ESTIMATED, COSTS, WORKERS, st.randoms(use_true_random=False))
def test_a_plan_is_followed_as_if_everything_were_tried(
    workload: Workload, costs: Costs, workers: int, random: Random
) -> None:
    plan = build_plan(build_graph(workload), costs, "async", workers)
    facts = gather_facts(plan)
    order = least_order(plan.graph, random.sample(range(plan.size), plan.size))
    assume(not plan.messages)
    assert follow(plan, facts, order.copy()) == plain_follow(plan, facts, order)
    known = replace(plan, execute_us=plan.estimate_us)
    better = _improve(known, facts, order.copy(), lower_bound_us(known))
    assert played_us(known, better) == played_us(known, plain_improve(known, order))


def test_what_is_proved_of_a_step_off_the_plan_says_nothing_of_the_plan() -> None:
    """A case in which the plan's next step, taken off the plan, would reach the bound."""
    tokens = (300, 420, 360, 300, 420, 360, 420, 300, 720, 720, 540, 360)
    times_us = (210, 310, 30, 30, 420, 0, 2270, 3420, 290, 0, 3720, 290)
    after = {1: (0,), 3: (2,), 5: (4,), 11: (3, 5)}
    calls = tuple(
        WorkloadCall(
            id=f"c{position}",
            generate_tokens=generate_tokens,
            execute_us=execute_us,
            after=tuple(f"c{other}" for other in after.get(position, ())),
        )
        for position, (generate_tokens, execute_us) in enumerate(zip(tokens, times_us, strict=True))
    )
    plan = plan_of(Workload(id="w", calls=calls), 2, Costs(token_us=1, trap_tokens=60))
    facts = gather_facts(plan)
    order = [6, 7, 2, 10, 4, 8, 0, 3, 9, 5, 1, 11]
    assert follow(plan, facts, order.copy()) == plain_follow(plan, facts, order)


def test_random_depends_on_the_seed() -> None:
    calls = tuple(WorkloadCall(id=f"c{i}", generate_tokens=1, execute_us=1) for i in range(20))
    plan = plan_of(Workload(id="w", calls=calls))
    seen = {tuple(priorities(plan, "random", seed)) for seed in range(5)}
    assert len(seen) == 5


def test_idling_can_pay() -> None:
    """`first` returns 1 µs after `short` could be begun; its successor has the longest tail."""
    calls = (
        WorkloadCall(id="first", generate_tokens=1, execute_us=1),
        WorkloadCall(id="next", generate_tokens=1, execute_us=100, after=("first",)),
        WorkloadCall(id="short", generate_tokens=50, execute_us=1),
    )
    plan = plan_of(Workload(id="w", calls=calls), costs=Costs(token_us=1))
    assert run_policy(plan, "lookahead").makespan_us == 152
    assert run_policy(plan, "lookahead-idle").makespan_us == 103
    assert run_policy(plan, "auto").makespan_us == 103


@pytest.mark.slow
def test_gaps_stay_within_their_targets() -> None:
    """Mean gaps on synthetic graphs of 18 calls, against the proved optimum or best bound."""
    from_extra("optimal", "ortools")
    gaps: dict[PolicyName, list[float]] = {"fan-tail": [], "auto": []}
    for family in FAMILIES:
        for workload in make_synthetic(family, 12):
            plan = plan_of(workload, costs=Costs(token_us=4_500))
            bound_us = run_optimal(plan, Options(solver_seconds=60)).lower_bound_us
            for policy, found in gaps.items():
                assert policy != "optimal"
                found.append(run_policy(plan, policy).makespan_us / bound_us - 1)
    mean = {policy: sum(found) / len(found) for policy, found in gaps.items()}
    assert mean["fan-tail"] <= 0.011
    assert mean["auto"] <= 0.004
