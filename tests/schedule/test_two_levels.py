"""The call-level simulator and the token-level machine have the same costs and the same makespan."""

import msgspec
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from schedule_strategies import COSTS, workloads
from token_level import TurnError, play_tokens
from trying import tries

from interpreter.drivers.virtual import DecodingCosts
from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.timing import RunnablePolicy
from interpreter.schedule.plan import build_plan
from interpreter.schedule.simulate import run_policy


def test_a_cost_that_both_levels_have_has_one_name() -> None:
    only_of_tokens = {"context_token_us"}
    assert set(DecodingCosts.__struct_fields__) - set(Costs.__struct_fields__) == only_of_tokens
    for kind in (DecodingCosts, Costs):
        with pytest.raises(msgspec.ValidationError, match="injected_token_us"):
            msgspec.convert({"token_us": 1, "injected_token_us": 1}, kind)


@pytest.mark.parametrize("model", ["async", "async-naive", "futures"])
@given(
    workload=workloads(),
    costs=COSTS,
    policy=st.sampled_from(["program", "lpt", "fan-tail", "lookahead-idle", "random"]),
    workers=st.integers(0, 3),
)
@tries(80)
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
