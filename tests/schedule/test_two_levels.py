"""The call-level simulator and the token-level machine come to the same makespan."""

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from schedule_strategies import COSTS, workloads
from token_level import TurnError, play_tokens

from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.timing import RunnablePolicy
from interpreter.schedule.plan import build_plan
from interpreter.schedule.simulate import run_policy


@pytest.mark.parametrize("model", ["async", "async-naive", "futures"])
@given(
    workload=workloads(),
    costs=COSTS,
    policy=st.sampled_from(["program", "lpt", "fan-tail", "lookahead-idle", "random"]),
    workers=st.integers(0, 3),
)
@settings(max_examples=150, deadline=None)
def test_both_levels_agree_to_the_microsecond(
    workload, costs, policy: RunnablePolicy, workers, model
) -> None:
    plan = build_plan(build_graph(workload), costs, model, workers)
    # A call that takes no time at all returns within the moment of its start, which a machine
    # that is told of returns by events cannot see before it asks for the next symbol.
    assume(all(plan.execute_us))
    timing = run_policy(plan, policy, seed=1)
    try:
        makespan_us = play_tokens(plan, timing)
    except TurnError:
        reject()
    assert makespan_us == timing.makespan_us
