"""Runs in lockstep come to the makespans of the simulator's own loop."""

import pytest

pytest.importorskip("numpy", reason="the extra fast (numpy) is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_strategies import workloads

from interpreter.schedule.asynchronous import run_async
from interpreter.schedule.batch import make_batch, play_batch
from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import build_graph
from interpreter.schedule.plan import build_plan
from interpreter.schedule.policies import priorities
from interpreter.schedule.timing import KeyPolicy

COSTS = st.builds(
    Costs,
    token_us=st.integers(0, 9),
    request_us=st.integers(0, 50),
    answer_tokens=st.integers(0, 10),
    async_call_tokens=st.integers(0, 4),
    trap_tokens=st.integers(0, 3),
    final_request=st.sampled_from(["none", "all"]),
)


@given(
    made=st.lists(workloads(arrivals=False), min_size=1, max_size=6),
    costs=COSTS,
    policy=st.sampled_from(["program", "lpt", "fan-tail", "random"]),
)
@settings(deadline=None, max_examples=200)
def test_lockstep_is_the_same_to_the_microsecond(made, costs, policy: KeyPolicy) -> None:
    plans = [build_plan(build_graph(workload), costs, "async") for workload in made]
    ranks = [priorities(plan, policy, seed=1) for plan in plans]
    alone = [run_async(plan, rank).makespan_us for plan, rank in zip(plans, ranks, strict=True)]
    assert play_batch(make_batch(plans, ranks)) == alone


@pytest.mark.parametrize(
    ("costs", "model", "workers"),
    [
        (Costs(token_us=1, interrupt_token_us=1), "async", 0),
        (Costs(token_us=1, naive_request_us=1), "async-naive", 0),
        (Costs(token_us=1), "async", 1),
        (Costs(token_us=1), "futures", 0),
    ],
)
@given(workload=workloads(arrivals=False))
@settings(deadline=None, max_examples=5)
def test_what_it_cannot_do_it_refuses(workload, costs, model, workers) -> None:
    plan = build_plan(build_graph(workload), costs, model, workers)
    with pytest.raises(ValueError, match="without costs of delivery"):
        make_batch([plan], [priorities(plan, "lpt")])
