"""Many runs in lockstep, for sweeps over sort keys (extra `fast`: numpy).

Every row of the arrays is one run; all rows take a step at a time. The rule is that of
`free_delivery.py`, and a property test holds the two to the same makespans: this is no second
semantics. It pays for many runs of some tens of calls; work grows with the square of their size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from interpreter.schedule.missing import missing_extra

try:
    import numpy as np
except ImportError as error:
    raise missing_extra("fast", error) from None

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from interpreter.schedule.plan import Plan

_NEVER: Final = 1 << 62


class Batch(msgspec.Struct, frozen=True):
    """Runs side by side: R runs of at most N calls, whose columns are in order of priority.

    Args:
        generate_us: Writing each call, R × N, 0 where there is none.
        execute_us: Running each call, R × N.
        waiting: How many returns each call waits for, R × N; never 0 where there is none.
        successors: Whether a call (second axis) is needed by another (third), R × N × N.
        left: Number of calls of each run, R.
        start_us: When each run begins, R.
        trap_us: Writing a trap, R.
        answer_us: The answer of each run, R.
    """

    generate_us: NDArray[np.int64]
    execute_us: NDArray[np.int64]
    waiting: NDArray[np.int16]
    successors: NDArray[np.int16]
    left: NDArray[np.int64]
    start_us: NDArray[np.int64]
    trap_us: NDArray[np.int64]
    answer_us: NDArray[np.int64]


def make_batch(plans: Sequence[Plan], priorities: Sequence[list[int]]) -> Batch:
    """Lay runs side by side.

    Args:
        plans: Runs of Async whose deliveries are free, at least one.
        priorities: For each run the priority of each call, 0 first.

    Raises:
        ValueError: A plan delivers at a cost, has messages or a limit of workers.
    """
    if not all(plan.free_delivery and plan.chained for plan in plans):
        raise ValueError(
            "a batch holds runs of Async without costs of delivery, messages or a limit of workers"
        )
    runs, size = len(plans), max(plan.size for plan in plans)
    generate_us = np.zeros((runs, size), np.int64)
    execute_us = np.zeros((runs, size), np.int64)
    waiting = np.full((runs, size), 1, np.int16)
    successors = np.zeros((runs, size, size), np.int16)
    for run, (plan, priority) in enumerate(zip(plans, priorities, strict=True)):
        generate_us[run, priority] = plan.generate_us
        execute_us[run, priority] = plan.execute_us
        waiting[run, priority] = plan.waiting
        for call, after in enumerate(plan.successors):
            for other in after:
                successors[run, priority[call], priority[other]] = 1
    return Batch(
        generate_us,
        execute_us,
        waiting,
        successors,
        np.array([plan.size for plan in plans], np.int64),
        np.array([plan.start_us for plan in plans], np.int64),
        np.array([plan.trap_us for plan in plans], np.int64),
        np.array([plan.answer_us for plan in plans], np.int64),
    )


def play_batch(batch: Batch) -> list[int]:
    """Play all runs to their end (Time/async).

    Returns:
        The makespan of each run, in microseconds.
    """
    runs, size = batch.generate_us.shape
    every = np.arange(runs)
    now_us, left = batch.start_us.copy(), batch.left.copy()
    waiting = batch.waiting.copy()
    # When a call can be written at the earliest, as far as is known; never once it is written.
    needs_us = np.zeros((runs, size), np.int64)
    ready_us = np.where(waiting == 0, batch.start_us[:, None], _NEVER)
    returns_us = np.full((runs, size), -1, np.int64)
    while left.any():
        ready = ready_us <= now_us[:, None]
        call = ready.argmax(axis=1)
        writes = ready[every, call]
        row, column = np.flatnonzero(writes), call[writes]
        now_us[row] += batch.generate_us[row, column]
        end_us = now_us[row] + batch.execute_us[row, column]
        returns_us[row, column] = end_us
        ready_us[row, column] = _NEVER
        left[row] -= 1
        after = batch.successors[row, column]
        needs = np.where(after == 1, np.maximum(needs_us[row], end_us[:, None]), needs_us[row])
        rest = waiting[row] - after
        needs_us[row], waiting[row] = needs, rest
        freed = (after == 1) & (rest == 0)
        ready_us[row] = np.where(freed, needs, ready_us[row])
        _trap(batch, now_us, returns_us, np.flatnonzero(~writes & (left > 0)))
    return _finish(batch, now_us, returns_us)


def _trap(
    batch: Batch, now_us: NDArray[np.int64], returns_us: NDArray[np.int64], row: NDArray[np.int64]
) -> None:
    """Let some runs trap until their next return."""
    if not row.size:
        return
    before_us = now_us[row]
    pending = np.where(returns_us[row] > before_us[:, None], returns_us[row], _NEVER)
    now_us[row] = np.maximum(before_us + batch.trap_us[row], pending.min(axis=1))


def _finish(batch: Batch, now_us: NDArray[np.int64], returns_us: NDArray[np.int64]) -> list[int]:
    """Trap until everything has returned, when nothing is left to write."""
    for end_us in np.sort(returns_us, axis=1).T:
        trapped = np.maximum(now_us + batch.trap_us, end_us)
        now_us = np.where(end_us > now_us, trapped, now_us)
    makespans: list[int] = (now_us + batch.answer_us).tolist()
    return makespans
