"""Sync and Sync-Parallel step by step; the counterpart of `spans.py` for waiting models."""

from heapq import heappush, heapreplace

from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import Graph
from interpreter.schedule.models.timing import Timing
from interpreter.schedule.narration.spans import Narrator, TimeSpan


def narrate_sync(graph: Graph, costs: Costs, timing: Timing) -> list[TimeSpan]:
    """Return the steps of a run of Sync (Time/sync).

    Args:
        graph: The calls.
        costs: The accounting.
        timing: The run; only its order is looked at.
    """
    sessions = _Sessions(graph, costs, by_task=True)
    for call in timing.order:
        sessions.open_round(graph.task[call])
        sessions.write(call, costs.sync_call_tokens)
        sessions.run([call], 0)
    return sessions.close()


def narrate_sync_parallel(
    graph: Graph, costs: Costs, timing: Timing, workers: int = 0
) -> list[TimeSpan]:
    """Return the steps of a run of Sync-Parallel (Time/sync-parallel).

    Args:
        graph: The calls.
        costs: The accounting.
        timing: The run; only its order is looked at.
        workers: How many calls can run at once; 0 is without limit.
    """
    by_task = bool(graph.arrivals_us)
    sessions = _Sessions(graph, costs, by_task=by_task)
    done: set[int] = set()
    order = timing.order
    while order:
        task = graph.task[order[0]]
        batch: list[int] = []
        for call in order:
            other_task = by_task and graph.task[call] != task
            if other_task or not done.issuperset(graph.predecessors[call]):
                break
            batch.append(call)
        order = order[len(batch) :]
        sessions.open_round(task)
        sessions.narrator.spend("round", costs.parallel_round_tokens * costs.token_us)
        for call in batch:
            sessions.write(call, costs.parallel_call_tokens)
        sessions.run(batch, workers)
        done.update(batch)
    return sessions.close()


class _Sessions:
    """Sessions, requests and answers, which both models share."""

    def __init__(self, graph: Graph, costs: Costs, *, by_task: bool) -> None:
        self.narrator = Narrator(0)
        self._graph = graph
        self._costs = costs
        self._by_task = by_task
        self._tasks: list[int] = []
        self._first = True

    def open_round(self, task: int) -> None:
        """Close the session before if a new task begins, wait for it, and ask the model."""
        if self._by_task and task not in self._tasks:
            if self._tasks and self._costs.session_per_task:
                self._answer()
            self._tasks.append(task)
            self.narrator.wait(self._graph.arrivals_us.get(task, 0))
        if not self._first:
            self.narrator.spend("request", self._costs.request_us)
        self._first = False

    def write(self, call: int, extra_tokens: int) -> None:
        """Write one call."""
        tokens = self._graph.tokens[call] + extra_tokens
        self.narrator.spend("generate", tokens * self._costs.token_us, call)

    def run(self, batch: list[int], workers: int) -> None:
        """Run calls from now on, and wait for the last of them."""
        free_us: list[int] = []
        ends_us = [self.narrator.now_us]
        for call in batch:
            start_us = self.narrator.now_us
            if 0 < workers <= len(free_us):
                start_us = free_us[0]
            end_us = start_us + self._graph.execute_us[call]
            if start_us == self.narrator.now_us and not 0 < workers <= len(free_us):
                heappush(free_us, end_us)
            else:
                heapreplace(free_us, end_us)
            self.narrator.spans.append(TimeSpan("execute", start_us, end_us, call))
            ends_us.append(end_us)
        self.narrator.wait(max(ends_us))

    def close(self) -> list[TimeSpan]:
        """Answer, and give the spans."""
        self._answer()
        return self.narrator.spans

    def _answer(self) -> None:
        asks = self._costs.final_request != "none"
        self.narrator.spend("request", self._costs.request_us if asks else 0)
        self.narrator.spend("answer", self._costs.answer_tokens * self._costs.token_us)
