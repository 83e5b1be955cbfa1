"""What held a run up: the run is played again with one thing changed at a time."""

from collections.abc import Sequence
from typing import Final

import msgspec

from cml.wording import counted
from interpreter.schedule.advice.observed import Observation
from interpreter.schedule.models.asynchronous import run_async
from interpreter.schedule.plan import Plan
from interpreter.schedule.wording import milliseconds

MATTERS: Final = 0.01
"""What gains less than this share of the run, without its reading, is no limit."""

MAX_TRIED: Final = 200
"""Of larger runs only the longest calls are tried one by one."""


class Limit(msgspec.Struct, frozen=True):
    """One thing that held a run up.

    Args:
        what: `decoding`, `call`, `chain`, `workers` or `order`.
        gain_us: How much sooner the run would have ended without it, in microseconds.
        sentence: The same for people.
    """

    what: str
    gain_us: int
    sentence: str


def play_as_written(plan: Plan) -> int:
    """Play the calls in the order in which they were written."""
    return run_async(plan, list(range(plan.size)), fixed=True).makespan_us


def find_limits(
    plan: Plan, observation: Observation, played_us: int, best_us: int, best: tuple[str, ...]
) -> tuple[Limit, ...]:
    """Return what held a run up, the worst first.

    Args:
        plan: The run.
        observation: The same as it was seen.
        played_us: How long it takes when it is played again, without the reading of the prompt.
        best_us: How long the best order takes that was found, likewise.
        best: Identifiers of the calls in that order.
    """
    found = [_decoding(plan, played_us), *_longest_call(plan, observation, played_us)]
    found.append(_chain(plan, [one.turn for one in observation.written], played_us))
    if plan.workers:
        gain_us = played_us - play_as_written(msgspec.structs.replace(plan, workers=0))
        text = f"Only {counted(plan.workers, 'call')} could run at once: too few workers."
        found.append(Limit("workers", gain_us, text))
    late = _issued_late(observation, best)
    found.append(Limit("order", played_us - best_us, late))
    kept = [limit for limit in found if limit.gain_us >= max(1, MATTERS * played_us)]
    return tuple(sorted(kept, key=lambda limit: -limit.gain_us))


def _decoding(plan: Plan, played_us: int) -> Limit:
    free = msgspec.structs.replace(plan, generate_us=[0] * plan.size, answer_us=0)
    spent_us = sum(plan.generate_us) + plan.answer_us
    text = f"The model wrote for {milliseconds(spent_us)}, which the calls could not hide."
    return Limit("decoding", played_us - play_as_written(free), text)


def _longest_call(plan: Plan, observation: Observation, played_us: int) -> list[Limit]:
    longest = sorted(range(plan.size), key=lambda call: -plan.execute_us[call])
    best: Limit | None = None
    for call in longest[:MAX_TRIED]:
        execute_us = plan.execute_us.copy()
        execute_us[call] = 0
        gain_us = played_us - play_as_written(msgspec.structs.replace(plan, execute_us=execute_us))
        if best is None or gain_us > best.gain_us:
            seen = observation.written[call]
            ran = f"{seen.function} ({seen.id}), which ran {milliseconds(seen.execute_us)}"
            text = f"It waited for {ran}."
            best = Limit("call", gain_us, text)
    return [] if best is None else [best]


def _chain(plan: Plan, turns: Sequence[int], played_us: int) -> Limit:
    """Play the run again where no call needs another of its turn; a later turn was asked for later."""
    before = [
        [other for other in plan.graph.predecessors[call] if turns[other] != turns[call]]
        for call in range(plan.size)
    ]
    after: list[list[int]] = [[] for _ in before]
    for call, others in enumerate(before):
        for other in others:
            after[other].append(call)
    free = msgspec.structs.replace(plan, waiting=list(map(len, before)), successors=after)
    text = f"Calls waited for results of others: {_longest_chain(plan, turns)}."
    return Limit("chain", played_us - play_as_written(free), text)


def _longest_chain(plan: Plan, turns: Sequence[int]) -> str:
    """Name the calls of the longest chain in a turn, which needs follow as they were written."""
    lengths_us = [0] * plan.size
    before = [-1] * plan.size
    for call in range(plan.size):
        for other in plan.graph.predecessors[call]:
            if turns[other] == turns[call] and lengths_us[other] > lengths_us[call]:
                lengths_us[call], before[call] = lengths_us[other], other
        lengths_us[call] += plan.generate_us[call] + plan.execute_us[call]
    call = max(range(plan.size), key=lambda position: lengths_us[position])
    length_us, names = lengths_us[call], []
    while call >= 0:
        names.append(plan.graph.ids[call])
        call = before[call]
    return f"the longest chain, {' → '.join(reversed(names))}, takes {milliseconds(length_us)}"


def _issued_late(observation: Observation, best: tuple[str, ...]) -> str:
    place = {name: position for position, name in enumerate(best)}
    moved = [
        (call.execute_us, position, call)
        for position, call in enumerate(observation.calls)
        if place[call.id] < position
    ]
    if not moved:
        return "The calls came in a bad order."
    execute_us, position, call = max(moved, key=lambda one: one[:2])
    return (
        f"A long call came late: {call.function} ({call.id}, {milliseconds(execute_us)}) was number"
        f" {position + 1} to be written and should have been number {place[call.id] + 1}."
    )
