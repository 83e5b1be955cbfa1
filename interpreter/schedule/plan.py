"""One workload under one asynchronous accounting, ready to be played."""

from typing import Literal

import msgspec

from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import Graph

AsyncModel = Literal["async", "async-naive", "futures"]


class Plan(msgspec.Struct, frozen=True):
    """Times of every step of an asynchronous run, in microseconds.

    A task that arrives later is laid out as one more "call" that is in flight from the start and
    that all calls of the task wait for: its return is the message (Time/arrival). Such messages
    have the positions from `size` on.

    Args:
        graph: The calls.
        size: Number of calls.
        start_us: When the first task arrives and decoding begins.
        generate_us: Writing each call, tokens of the protocol included.
        execute_us: How long each call really runs.
        estimate_us: How long a policy believes that it runs.
        deliver_us: Injecting each interrupt; messages cost nothing.
        successors: For each call and message, what waits for it.
        waiting: For each call, how many returns and messages it waits for.
        messages: (arrival, position) of each message, by arrival.
        trap_us: Writing a trap.
        batch_us: The request of a delivery that leaves calls unreturned.
        last_batch_us: The request of the delivery that leaves none.
        answer_us: The answer after the last delivery.
        workers: How many calls can run at once; 0 is without limit.
        chained: Whether a call is written only after the results that it needs (not so in the
            model `futures`, where it may name them before they are there).
        stride: Factor that keeps a slot apart from a time in one integer: more than the calls and
            messages that there are.
    """

    graph: Graph
    size: int
    start_us: int
    generate_us: list[int]
    execute_us: list[int]
    estimate_us: list[int]
    deliver_us: list[int]
    successors: list[list[int]]
    waiting: list[int]
    messages: list[tuple[int, int]]
    trap_us: int
    batch_us: int
    last_batch_us: int
    answer_us: int
    workers: int
    chained: bool
    stride: int


def build_plan(graph: Graph, costs: Costs, model: AsyncModel, workers: int = 0) -> Plan:
    """Price each step of a workload.

    Args:
        graph: The calls.
        costs: The accounting.
        model: Async, Async-Naive or futures.
        workers: How many calls can run at once; 0 is without limit.
    """
    size = graph.size
    token_us = costs.token_us
    start_us = min(graph.arrivals_us.values(), default=0)
    late = sorted((at_us, task) for task, at_us in graph.arrivals_us.items() if at_us > start_us)
    messages = [(at_us, size + position) for position, (at_us, _) in enumerate(late)]
    successors, waiting = _with_messages(graph, [task for _, task in late])
    naive = model == "async-naive"
    batch_us = costs.naive_request_us if naive else 0
    answered = costs.answer_tokens > 0 or costs.final_request == "all"
    final_us = costs.request_us if costs.final_request == "all" and not naive else 0
    return Plan(
        graph=graph,
        size=size,
        start_us=start_us,
        generate_us=[(tokens + costs.async_call_tokens) * token_us for tokens in graph.tokens],
        execute_us=graph.execute_us,
        estimate_us=graph.estimate_us,
        deliver_us=[tokens * costs.interrupt_token_us for tokens in graph.result_tokens]
        + [0] * len(late),
        successors=successors,
        waiting=waiting,
        messages=messages,
        trap_us=costs.trap_tokens * token_us,
        batch_us=batch_us,
        last_batch_us=batch_us if answered else 0,
        answer_us=final_us + costs.answer_tokens * token_us,
        workers=0 if workers >= size else workers,
        chained=model != "futures",
        stride=size + len(messages) + 1,
    )


def _with_messages(graph: Graph, late: list[int]) -> tuple[list[list[int]], list[int]]:
    """Let the calls of late tasks wait for their messages, too."""
    message_of = {task: graph.size + position for position, task in enumerate(late)}
    successors = graph.successors + [[] for _ in late]
    waiting = [len(before) for before in graph.predecessors]
    for call, task in enumerate(graph.task):
        if task in message_of:
            successors[message_of[task]].append(call)
            waiting[call] += 1
    return successors, waiting
