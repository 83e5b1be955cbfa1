"""Random workloads and costs for the property tests of the simulator."""

from hypothesis import strategies as st
from msgspec import UNSET

from interpreter.schedule.costs import Costs
from interpreter.schedule.workload import Workload, WorkloadCall


@st.composite
def workloads(
    draw: st.DrawFn,
    *,
    most_calls: int = 8,
    dependent: bool = True,
    arrivals: bool = True,
    exact: bool = False,
) -> Workload:
    """Acyclic workloads; program order is not always an order of the dependencies."""
    size = draw(st.integers(1, most_calls))
    names = draw(st.permutations([f"c{number}" for number in range(size)]))
    tasks = draw(st.integers(1, 3))
    calls: list[WorkloadCall] = []
    for position, name in enumerate(names):
        after: list[str] = []
        if dependent and position:
            after = draw(st.lists(st.sampled_from(names[:position]), max_size=3))
        estimate = st.one_of(st.just(UNSET), st.integers(0, 400))
        calls.append(
            WorkloadCall(
                id=name,
                generate_tokens=draw(st.integers(0, 40)),
                execute_us=draw(st.integers(0, 400)),
                estimate_us=UNSET if exact else draw(estimate),
                result_tokens=draw(st.integers(0, 20)),
                task=draw(st.integers(0, tasks - 1)),
                after=tuple(after),
            )
        )
    calls.sort(key=lambda call: call.id)
    come = draw(st.booleans()) if arrivals else False
    times = draw(st.lists(st.integers(0, 800), min_size=tasks, max_size=tasks))
    return Workload(id="w", calls=tuple(calls), arrivals_us=tuple(times) if come else UNSET)


COSTS = st.builds(
    Costs,
    token_us=st.integers(0, 9),
    request_us=st.integers(0, 100),
    naive_request_us=st.integers(0, 100),
    answer_tokens=st.integers(0, 10),
    sync_call_tokens=st.integers(0, 4),
    parallel_call_tokens=st.integers(0, 4),
    parallel_round_tokens=st.integers(0, 4),
    async_call_tokens=st.integers(0, 4),
    trap_tokens=st.integers(0, 3),
    interrupt_token_us=st.integers(0, 3),
    session_per_task=st.booleans(),
    final_request=st.sampled_from(["none", "sync", "all"]),
)

FREE_COSTS = Costs(token_us=3)
"""Every overhead and request is free: the closed forms hold."""
