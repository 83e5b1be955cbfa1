"""A run step by step: who was busy with what, from when to when.

This says slowly, event by event on a timeline of (when, priority, seq), what the loops of `models`
compute; tests hold the two against each other. It feeds
`cml simulate --trace` and `--plot`.
"""

from heapq import heappop, heappush
from typing import Literal

import msgspec

from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.schedule.plan import Plan

Kind = Literal["generate", "round", "execute", "trap", "wait", "request", "deliver", "answer"]


class TimeSpan(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that took time.

    Args:
        kind: What it was. `execute` happens at a worker, all else at the generator.
        start_us: When it began, in microseconds from time zero.
        end_us: When it ended.
        call: Position of the call that it was for, if for one.
    """

    kind: Kind
    start_us: int
    end_us: int
    call: int | None = None


class Narrator:
    """Keeps the generator's clock and writes down what it does.

    Attributes:
        now_us: Until when the generator is busy.
        spans: What has happened so far.
    """

    __slots__ = ("now_us", "spans")

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.spans: list[TimeSpan] = []

    def spend(self, kind: Kind, length_us: int, call: int | None = None) -> None:
        """Keep the generator busy; nothing is written down when it takes no time."""
        if length_us:
            self.spans.append(TimeSpan(kind, self.now_us, self.now_us + length_us, call))
            self.now_us += length_us

    def wait(self, until_us: int) -> None:
        """Let the generator wait, if the time is still to come."""
        self.spend("wait", max(0, until_us - self.now_us))


MESSAGE, RETURN, SUBMIT = 0, 1, 2
"""Priorities of events at the same microsecond (Time/order)."""


class _Environment:
    """Everything but the generator: workers, results on their way, messages."""

    def __init__(self, plan: Plan, spans: list[TimeSpan]) -> None:
        self._plan = plan
        self._spans = spans
        self._events: list[tuple[int, int, int, int]] = []
        self._seq = 0
        self._busy = 0
        self._queue: list[tuple[int, int]] = []
        self._needs = [0 if plan.chained else len(b) for b in plan.graph.predecessors]
        self._written: dict[int, int] = {}
        for at_us, message in plan.messages:
            self._schedule(at_us, MESSAGE, message)

    def submit(self, call: int, at_us: int) -> None:
        """Hand a written call to the executor."""
        self._schedule(at_us, SUBMIT, call)

    def due(self, now_us: int) -> list[int]:
        """Let time pass until now; return the calls that returned and the messages that came."""
        arrived: list[int] = []
        while self._events and self._events[0][0] <= now_us:
            arrived += self._happen()
        return arrived

    def wait_for_any(self, now_us: int) -> tuple[int, list[int]]:
        """Let time pass until something returned or came, at least until now."""
        arrived = self.due(now_us)
        while self._events and not arrived:
            now_us = self._events[0][0]
            arrived = self.due(now_us)
        return now_us, arrived

    def next_us(self) -> int:
        """When something happens next."""
        return self._events[0][0]

    def _schedule(self, at_us: int, priority: int, subject: int) -> None:
        heappush(self._events, (at_us, priority, self._seq, subject))
        self._seq += 1

    def _happen(self) -> list[int]:
        at_us, priority, _, subject = heappop(self._events)
        if priority == SUBMIT:
            self._written[subject] = len(self._written)
            self._enqueue(subject)
        elif priority == RETURN:
            self._busy -= 1
            if not self._plan.chained:
                self._feed(subject)
        self._start_queued(at_us)
        return [] if priority == SUBMIT else [subject]

    def _feed(self, returned: int) -> None:
        for call in self._plan.graph.successors[returned]:
            self._needs[call] -= 1
            if call in self._written:
                self._enqueue(call)

    def _enqueue(self, call: int) -> None:
        if not self._needs[call]:
            heappush(self._queue, (self._written[call], call))

    def _start_queued(self, at_us: int) -> None:
        # Workers choose only when all that happens at this microsecond has happened.
        while self._queue and not 0 < self._plan.workers <= self._busy:
            if self._events and self._events[0][0] == at_us:
                return
            _, call = heappop(self._queue)
            end_us = at_us + self._plan.execute_us[call]
            self._busy += 1
            self._spans.append(TimeSpan("execute", at_us, end_us, call))
            self._schedule(end_us, RETURN, call)


def narrate_async(plan: Plan, timing: Timing) -> list[TimeSpan]:
    """Return the steps of a run of Async, Async-Naive or futures from its decisions (Time/async, Time/futures).

    Args:
        plan: The run.
        timing: Its decisions; its makespan is not looked at.
    """
    narrator = Narrator(plan.start_us)
    environment = _Environment(plan, narrator.spans)
    left, pending = plan.size, 0
    for decision in timing.decisions:
        if decision == TRAP and not plan.chained:
            narrator.spend("trap", plan.trap_us)
            pending -= _narrate_trap(plan, narrator, environment, pending)
            continue
        if decision == TRAP:
            narrator.spend("trap", plan.trap_us)
            until_us, arrived = environment.wait_for_any(narrator.now_us)
            narrator.wait(until_us)
        else:
            narrator.spend("generate", plan.generate_us[decision], decision)
            environment.submit(decision, narrator.now_us)
            pending += 1
            arrived = environment.due(narrator.now_us)
        returned = [call for call in arrived if call < plan.size]
        left -= len(returned)
        pending -= len(returned)
        if arrived:
            narrator.spend("request", plan.batch_us if left else plan.last_batch_us)
        narrator.spend("deliver", sum(plan.deliver_us[call] for call in returned))
    narrator.spend("answer", plan.answer_us)
    return narrator.spans


def _narrate_trap(plan: Plan, narrator: Narrator, environment: _Environment, pending: int) -> int:
    """Let a trap wait for all that is pending, and return how many calls came back (Time/futures-trap)."""
    at_us = narrator.now_us
    count = 0
    while True:
        arrived = environment.due(at_us)
        narrator.wait(at_us)
        returned = [call for call in arrived if call < plan.size]
        count += len(returned)
        narrator.spend("deliver", sum(plan.deliver_us[call] for call in returned))
        if len(returned) < len(arrived) or 0 < pending <= count:
            return count
        at_us = environment.next_us()
