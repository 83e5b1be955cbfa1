"""A workload as plain integer lists: what every simulation and every bound reads."""

from heapq import heapify, heappop, heappush

import msgspec
from msgspec import UNSET

from interpreter.schedule.workload import Workload, index_calls


class Graph(msgspec.Struct, frozen=True):
    """The calls of a workload by position in program order.

    Args:
        id: Name of the workload.
        ids: Identifier of each call.
        tokens: Tokens that the model writes for each call, without those of the protocol.
        execute_us: How long each call really runs.
        estimate_us: How long a policy believes that it runs.
        result_tokens: Tokens of each call's interrupt.
        task: Task of each call.
        predecessors: For each call, the calls whose results it needs, without repetition.
        successors: For each call, the calls that need its result.
        arrivals_us: When each task that has calls arrives, by task; empty when all come at once.
    """

    id: str
    ids: tuple[str, ...]
    tokens: list[int]
    execute_us: list[int]
    estimate_us: list[int]
    result_tokens: list[int]
    task: list[int]
    predecessors: list[list[int]]
    successors: list[list[int]]
    arrivals_us: dict[int, int]

    @property
    def size(self) -> int:
        """Number of calls."""
        return len(self.ids)


def build_graph(workload: Workload) -> Graph:
    """Return a checked workload as lists."""
    calls = workload.calls
    index = index_calls(calls)
    predecessors = [sorted({index[name] for name in call.after}) for call in calls]
    successors: list[list[int]] = [[] for _ in calls]
    for position, before in enumerate(predecessors):
        for other in before:
            successors[other].append(position)
    arrivals: dict[int, int] = {}
    if workload.arrivals_us is not UNSET:
        # A task is its calls: an arrival that brings none is no task (Time/task).
        arrivals = {task: workload.arrivals_us[task] for task in {call.task for call in calls}}
    return Graph(
        id=workload.id,
        ids=tuple(call.id for call in calls),
        tokens=[call.generate_tokens for call in calls],
        execute_us=[call.execute_us for call in calls],
        estimate_us=[
            call.execute_us if call.estimate_us is UNSET else call.estimate_us for call in calls
        ],
        result_tokens=[call.result_tokens for call in calls],
        task=[call.task for call in calls],
        predecessors=predecessors,
        successors=successors,
        arrivals_us=arrivals,
    )


def least_order(graph: Graph, priority: list[int]) -> list[int]:
    """Order the calls: again and again the ready one of least priority, ties by position.

    Args:
        graph: The calls.
        priority: Priority of each call.

    Returns:
        Positions, every call after all that it waits for (Time/program-order when all priorities
        are equal).
    """
    waiting = [len(before) for before in graph.predecessors]
    ready = [(priority[call], call) for call in range(graph.size) if not waiting[call]]
    heapify(ready)
    order: list[int] = []
    while ready:
        _, call = heappop(ready)
        order.append(call)
        for other in graph.successors[call]:
            waiting[other] -= 1
            if not waiting[other]:
                heappush(ready, (priority[other], other))
    return order
