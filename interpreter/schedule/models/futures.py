"""Futures: the executor starts dependent calls itself, so the model never waits for a result.

Extension of the four models of the paper (spec/4-time.md, Time/futures).
"""

from heapq import heapify, heappop, heappush, heapreplace

import msgspec

from interpreter.schedule.models.asynchronous import inverse
from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.schedule.plan import Plan


class _Writer:
    """Which calls can be written: those whose task has come and whose names are all known."""

    __slots__ = ("_by_priority", "_messages", "_plan", "_priority", "_unknown", "ready")

    def __init__(self, plan: Plan, priority: list[int]) -> None:
        self._plan = plan
        self._priority = priority
        self._by_priority = inverse(priority)
        # The plan counts a message as one more thing to wait for, exactly as needed here.
        self._unknown = plan.waiting.copy()
        self._messages = plan.messages[::-1]
        self.ready = [priority[call] for call in range(plan.size) if not self._unknown[call]]
        heapify(self.ready)

    def write(self) -> int:
        """Take the first ready call; its identifier can be named from now on."""
        call = self._by_priority[heappop(self.ready)]
        self._release(call)
        return call

    def receive_messages(self, now_us: int) -> None:
        """Take in the tasks that have arrived."""
        while self._messages and self._messages[-1][0] <= now_us:
            self._release(self._messages.pop()[1])

    def next_message_us(self) -> int | None:
        """When the next task arrives, if any does."""
        return self._messages[-1][0] if self._messages else None

    def _release(self, source: int) -> None:
        for call in self._plan.successors[source]:
            self._unknown[call] -= 1
            if not self._unknown[call]:
                heappush(self.ready, self._priority[call])


class _Execution:
    """The executor: calls wait for results, then for a worker, then for their end."""

    __slots__ = ("_free_us", "_plan", "_queue", "_returned", "_running", "_seq", "_waiting")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # One more than the results it needs: the call must have been written, too.
        self._waiting = [len(before) + 1 for before in plan.graph.predecessors]
        self._seq: dict[int, int] = {}
        self._queue: list[tuple[int, int, int]] = []
        self._running: list[tuple[int, int, int]] = []
        self._returned: list[int] = []
        self._free_us = [0] * plan.workers

    def submit(self, call: int, now_us: int) -> None:
        """Take over a call that was written until `now_us`."""
        self._advance(now_us)
        self._seq[call] = len(self._seq)
        self._count(call, now_us)

    def take(self, now_us: int) -> list[int]:
        """Return the calls that have returned by now, each once."""
        self._advance(now_us)
        due = self._returned.copy()
        self._returned.clear()
        return due

    def next_return_us(self) -> int | None:
        """When the next call returns; none can start before that unless one is submitted."""
        return self._running[0][0] if self._running else None

    def _advance(self, until_us: int) -> None:
        """Start and end calls in order of time, up to a time."""
        while self._queue or self._running:
            start_us = self._next_start_us()
            ends_first = start_us is None or (
                bool(self._running) and self._running[0][0] <= start_us
            )
            event_us = self._running[0][0] if ends_first else start_us
            if event_us is None or event_us > until_us:
                return
            if ends_first:
                self._end()
            else:
                self._start(event_us)

    def _next_start_us(self) -> int | None:
        if not self._queue:
            return None
        since_us = self._queue[0][1]
        return max(since_us, self._free_us[0]) if self._free_us else since_us

    def _start(self, start_us: int) -> None:
        seq, _, call = heappop(self._queue)
        end_us = start_us + self._plan.execute_us[call]
        if self._free_us:
            heapreplace(self._free_us, end_us)
        heappush(self._running, (end_us, seq, call))

    def _end(self) -> None:
        end_us, _, call = heappop(self._running)
        self._returned.append(call)
        for other in self._plan.graph.successors[call]:
            self._count(other, end_us)

    def _count(self, call: int, at_us: int) -> None:
        self._waiting[call] -= 1
        if not self._waiting[call]:
            heappush(self._queue, (self._seq[call], at_us, call))


class _TrapEnd(msgspec.Struct):
    """How a trap ended.

    Args:
        now_us: When decoding goes on, in microseconds.
        at_us: When what ended it happened; messages up to then have come.
        returned: The calls whose results were delivered meanwhile.
    """

    now_us: int
    at_us: int
    returned: list[int]


def run_futures(plan: Plan, priority: list[int]) -> Timing:
    """Write every call as soon as all that it names are written (Time/futures).

    Args:
        plan: The run, priced for the model `futures`.
        priority: A permutation of the calls: 0 is written first when it can be.
    """
    writer, execution = _Writer(plan, priority), _Execution(plan)
    decisions: list[int] = []
    now_us, left = plan.start_us, plan.size
    while left:
        if writer.ready:
            call = writer.write()
            now_us += plan.generate_us[call]
            execution.submit(call, now_us)
            decisions.append(call)
            writer.receive_messages(now_us)
            returned = execution.take(now_us)
            now_us += sum(plan.deliver_us[other] for other in returned)
        else:
            decisions.append(TRAP)
            message_us = writer.next_message_us()
            end = _trap(plan, execution, now_us + plan.trap_us, message_us)
            now_us, returned = end.now_us, end.returned
            writer.receive_messages(end.at_us)
        left -= len(returned)
    return Timing(now_us + plan.answer_us, decisions)


def _trap(plan: Plan, execution: _Execution, now_us: int, message_us: int | None) -> _TrapEnd:
    """Wait until all written calls have returned, or for a message (Time/futures-trap).

    Each result is injected as it comes, while the trap goes on.
    """
    at_us = now_us
    returned: list[int] = []
    while True:
        due = execution.take(at_us)
        returned += due
        now_us = max(now_us, at_us) + sum(plan.deliver_us[call] for call in due)
        next_us = execution.next_return_us()
        if message_us is not None and message_us <= at_us:
            return _TrapEnd(now_us, at_us, returned)
        if next_us is None and (returned or message_us is None):
            return _TrapEnd(now_us, at_us, returned)
        if next_us is None or (message_us is not None and message_us < next_us):
            at_us = message_us if message_us is not None else at_us
            return _TrapEnd(max(now_us, at_us), at_us, returned)
        at_us = next_us
