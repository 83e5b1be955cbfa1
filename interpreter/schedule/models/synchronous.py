"""The two models that wait for their calls: Sync and Sync-Parallel (spec/4-time.md)."""

from collections.abc import Iterator
from heapq import heappop, heappush, heapreplace

from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import Graph, least_order
from interpreter.schedule.models.timing import Timing


def final_us(costs: Costs) -> int:
    """Time from the last result of a session to the end of its answer (Time/sync-answer)."""
    request_us = 0 if costs.final_request == "none" else costs.request_us
    return request_us + costs.answer_tokens * costs.token_us


def service_priorities(graph: Graph) -> list[int]:
    """Rank of each call's task: tasks are served by arrival, then by number (Time/sync-order)."""
    tasks = sorted(set(graph.task), key=lambda task: (graph.arrivals_us.get(task, 0), task))
    place = {task: position for position, task in enumerate(tasks)}
    return [place[task] for task in graph.task]


def run_sync(graph: Graph, costs: Costs) -> Timing:
    """Call one after another, waiting for each result (Time/sync).

    Args:
        graph: The calls.
        costs: The accounting; `sync_call_tokens` is added to each call.
    """
    apart = costs.session_per_task or bool(graph.arrivals_us)
    order = least_order(graph, service_priorities(graph) if apart else [0] * graph.size)
    session_us = final_us(costs) if costs.session_per_task else 0
    begun: set[int] = set()
    now_us = 0
    for call in order:
        task = graph.task[call]
        if task not in begun:
            if begun:
                now_us += session_us
            now_us = max(now_us, graph.arrivals_us.get(task, 0))
        if begun:
            now_us += costs.request_us
        begun.add(task)
        now_us += (graph.tokens[call] + costs.sync_call_tokens) * costs.token_us
        now_us += graph.execute_us[call]
    return Timing(now_us + final_us(costs), order)


def run_sync_parallel(graph: Graph, costs: Costs, workers: int = 0) -> Timing:
    """Call in rounds of all ready calls, waiting for the whole round (Time/sync-parallel).

    Args:
        graph: The calls.
        costs: The accounting; `parallel_round_tokens` is added to each round and
            `parallel_call_tokens` to each call.
        workers: How many calls can run at once; 0 is without limit.
    """
    session_us = final_us(costs) if costs.session_per_task else 0
    order: list[int] = []
    begun: set[int] = set()
    now_us = 0
    for batch in rounds(graph):
        task = graph.task[batch[0]]
        if graph.arrivals_us and task not in begun:
            if begun:
                now_us += session_us
            now_us = max(now_us, graph.arrivals_us[task])
            begun.add(task)
        if order:
            now_us += costs.request_us
        order += batch
        written = sum(graph.tokens[call] + costs.parallel_call_tokens for call in batch)
        now_us += (written + costs.parallel_round_tokens) * costs.token_us
        now_us += spread_us([graph.execute_us[call] for call in batch], workers)
    return Timing(now_us + final_us(costs), order)


def rounds(graph: Graph) -> Iterator[list[int]]:
    """Yield the rounds of Sync-Parallel, each in program order (Time/sync-parallel-round).

    Without arrivals a round is all ready calls; with arrivals it is the ready calls of the task
    that is served first among those that have any.
    """
    group = service_priorities(graph) if graph.arrivals_us else [0] * graph.size
    waiting = [len(before) for before in graph.predecessors]
    ready: list[tuple[int, int]] = []
    for call in range(graph.size):
        if not waiting[call]:
            heappush(ready, (group[call], call))
    while ready:
        served = ready[0][0]
        batch: list[int] = []
        while ready and ready[0][0] == served:
            batch.append(heappop(ready)[1])
        yield batch
        for call in batch:
            for other in graph.successors[call]:
                waiting[other] -= 1
                if not waiting[other]:
                    heappush(ready, (group[other], other))


def spread_us(execute_us: list[int], workers: int) -> int:
    """How long calls that start together take on some workers (Time/workers).

    Args:
        execute_us: Execution times in the order in which workers take the calls.
        workers: Number of workers; 0 is without limit.
    """
    if not 0 < workers < len(execute_us):
        return max(execute_us)
    free_us = [0] * workers
    for one_us in execute_us:
        heapreplace(free_us, free_us[0] + one_us)
    return max(free_us)
