"""What a policy may know of a call before anything has run: its place in the graph, estimates."""

import msgspec

from interpreter.schedule.graph import least_order
from interpreter.schedule.plan import Plan


class Facts(msgspec.Struct, frozen=True):
    """One call as a policy sees it; all times are estimates in microseconds.

    Args:
        seq: Position in program order, the last tie-break of every policy.
        id: Identifier of the call.
        workload: Name of the workload.
        generate_us: Writing the call.
        estimate_us: Running it.
        successors: Number of calls that need its result.
        tail_us: From the end of its writing to the end of the longest chain that it begins.
        fan_tail_us: The same, but the calls that need one result are written one after another.
    """

    seq: int
    id: str
    workload: str
    generate_us: int
    estimate_us: int
    successors: int
    tail_us: int
    fan_tail_us: int


def gather_facts(plan: Plan) -> list[Facts]:
    """Work out what policies see of each call, in program order."""
    graph = plan.graph
    tail_us = [0] * plan.size
    fan_tail_us = [0] * plan.size
    # With futures the calls that follow are written already: only their running remains.
    writing_us = plan.generate_us if plan.chained else [0] * plan.size
    for call in reversed(least_order(graph, [0] * plan.size)):
        after = graph.successors[call]
        own_us = plan.estimate_us[call] + plan.deliver_us[call]
        tail_us[call] = own_us + max(
            (writing_us[other] + tail_us[other] for other in after), default=0
        )
        fan = [(writing_us[other], fan_tail_us[other]) for other in after]
        fan_tail_us[call] = own_us + fan_us(fan)
    return [
        Facts(
            seq=call,
            id=graph.ids[call],
            workload=graph.id,
            generate_us=plan.generate_us[call],
            estimate_us=plan.estimate_us[call],
            successors=len(graph.successors[call]),
            tail_us=tail_us[call],
            fan_tail_us=fan_tail_us[call],
        )
        for call in range(plan.size)
    ]


def fan_us(fan: list[tuple[int, int]]) -> int:
    """How long a fan of calls takes when they are written one after another, longest tail first.

    Args:
        fan: (writing, tail) of each call, in microseconds.

    Returns:
        The least possible time to the last end; this order is Jackson's rule and optimal here.
    """
    written_us = longest_us = 0
    for generate_us, tail_us in sorted(fan, key=_longest_tail_first):
        written_us += generate_us
        longest_us = max(longest_us, written_us + tail_us)
    return longest_us


def _longest_tail_first(call: tuple[int, int]) -> int:
    return -call[1]
