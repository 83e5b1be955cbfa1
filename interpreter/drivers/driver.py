"""The core of every realtime driver: events in, one instant at a time, rows out (chapter 5).

It never waits. Decoding and calls run elsewhere, in any executor; both put what
happened into one queue. Whoever holds the driver waits until something has come, and lets it take
an instant: the machine fires, the rows are written, and then their effects are performed.
"""

import heapq
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from cml.arguments import require
from cml.wording import counted
from interpreter.drivers.arrivals import Arrivals
from interpreter.drivers.calls import Calls
from interpreter.drivers.restoring import require_restoring
from interpreter.drivers.spoken import prompt_fault
from interpreter.drivers.timeline import priority
from interpreter.drivers.verbs import Verbs
from interpreter.errors import HostError
from interpreter.events import (
    Began,
    Cancel,
    Decode,
    Effect,
    EndReason,
    Event,
    Expired,
    Finish,
    Inject,
    Report,
    Returned,
    Rewind,
    Row,
    Said,
    Start,
    Stopped,
    failure,
)
from interpreter.executors.event_loop import EventLoopThread, RunningLoop
from interpreter.executors.workplace import Workplace
from interpreter.interrupts import batch_of, message_fault
from interpreter.journals.past import Past, Running
from interpreter.machine import instant, settle
from interpreter.rules.failures import outcome_of
from interpreter.session import Session
from interpreter.state import Phase, Settings, State, Status, check_settings
from interpreter.tools.offer import Offered, offer, offered_settings
from interpreter.tools.signature import Function

if TYPE_CHECKING:
    from concurrent.futures import Future

Journal: TypeAlias = Callable[[Sequence[Row]], None]
"""Writes the rows of an instant, before any of their effects is performed (Embed/journal)."""

_LONGEST_WAIT_S: Final = 3_600.0
_BROKEN: Final = "something that an earlier row names was not done; make another session"
_INTERRUPTED: Final = (
    "the process that ran this call died before it returned; whether it had its effect is not known"
)


def monotonic_us() -> int:
    """Return a clock that never goes back, in microseconds."""
    return time.monotonic_ns() // 1_000


def forget(_: Sequence[Row]) -> None:
    """A journal that keeps nothing."""


class Driver:
    """Drives one session. Its methods but `put`, `say` and `stop` belong to one thread.

    Args:
        session: The model's context.
        functions: What the model may call, by name.
        settings: What the host chose; what the functions say is filled in (Embed/alias).
        workplace: Where calls run and verbs are done.
        coroutines: Where coroutine functions run; this is closed with the driver.
        clock: Microseconds, never going back.
        journal: Where rows are written.
        seen: Is told the rows of each instant, once their effects are on their way.
        most_waiting: How many messages may wait to be told.
        past: What the session is to go on from, which settings are part of (Embed/resume).

    Raises:
        HostError: The settings are out of bounds, a function is none, or one is missing that the
            past could call.
        TypeError: Something is no session, no mapping or no settings.
    """

    def __init__(
        self,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings,
        *,
        workplace: Workplace,
        coroutines: EventLoopThread | RunningLoop,
        clock: Callable[[], int],
        journal: Journal,
        seen: Callable[[Sequence[Row]], object],
        most_waiting: int,
        past: Past | None,
    ) -> None:
        require(functions, Mapping, "functions are a mapping of names to functions")
        require(settings, Settings, "settings are interpreter.Settings")
        if past:
            require_restoring(session)
        state = past.state if past else State(settings)
        offered = offer(functions, state.settings.profile.body)
        self.settings = check_settings(
            _settings_of(past, offered) if past else offered_settings(offered, settings)
        )
        # What a part is told with does not lead back here: so a driver that nobody holds is freed at once,
        # and with thousands of them the collector of garbage has nothing to find.
        self.arrivals = arrivals = Arrivals()
        start_us = clock() - state.now_us
        self._now_us: Callable[[], int] = lambda: int(clock() - start_us)
        self.calls = Calls(
            {name: each.function for name, each in offered.items()},
            self.settings.profile,
            workplace,
            coroutines,
            lambda *it: arrivals.put(Returned(*it)),
        )
        self.is_stopping = False
        self._state = past.state if past else State(self.settings)
        self._past = past
        self._functions = offered
        self._verbs = Verbs(
            session, self.settings.profile, arrivals.put, self._now_us, workplace.strand
        )
        self._journal = journal
        self._seen = seen
        self._deadlines: list[tuple[int, str]] = []
        # A journal may close the session that it writes of, and a signal one that takes an instant.
        self._taking = threading.RLock()
        self._is_taking = False
        self._saying = threading.RLock()  # a signal may say something while its thread does
        self._said = sum(state.messages.values())
        self._most_waiting = most_waiting
        self._is_broken = False
        self._is_closed = False

    # ------------------------------------------------------------------------- from any thread

    def put(self, event: Event | None) -> None:
        """Say that something has happened; None only wakes whoever waits."""
        self.arrivals.put(event)

    def say(self, said: Said) -> None:
        """Let a person or an agent say something.

        Raises:
            HostError: The message cannot be told at all (Embed/message), or too many wait to be told
                (Embed/full).
        """
        if fault := message_fault(said.text, self.settings.profile, said.sender, said.hops):
            raise HostError("Embed/message", fault)
        with self._saying:
            if self._untold >= self._most_waiting:
                message = f"at most {counted(self._most_waiting, 'message')} may wait to be told; say this one later"
                raise HostError("Embed/full", message)
            self._said += 1
        self.put(said)

    @property
    def _untold(self) -> int:
        """Messages that have not gone into the context: on their way here, or in the queue."""
        state = self._state
        return (
            self._said - sum(state.messages.values()) + sum(told.rank == 0 for told in state.queue)
        )

    def stop(self) -> None:
        """End the turn at the next moment."""
        self.is_stopping = True
        self.put(Stopped())

    # ---------------------------------------------------------------------- from the one thread

    def cancel(self, call: str) -> bool:
        """Settle a call that runs as cancelled, and ask it to stop; return whether it runs."""
        found = self._state.calls.get(call)
        if found is None or found.status is not Status.RUNNING:
            return False
        self.put(Returned(call, outcome_of("cancelled", "a person cancelled the call")))
        self.calls.cancel(call)
        return True

    def begin(self, prompt: str = "") -> list[Row]:
        """Begin a turn, or go on with one that a trace breaks off in; what has happened before it
        stays where it is if that may not be.

        Args:
            prompt: What is asked in it; empty where the host has put it into the context.

        Raises:
            HostError: The prompt is none (Embed/prompt, Embed/message), a turn is under way
                (Embed/begin), a step of one that was stopped has not ended (Embed/stop), something
                that the rows name was not done (Embed/effects), or the session is closed
                (Embed/shutdown).
        """
        if self._is_closed:
            raise HostError("Embed/shutdown", "the session is closed; make another one")
        if self._is_broken or self._verbs.failure:
            raise HostError("Embed/effects", _BROKEN) from self._verbs.failure
        if fault := prompt_fault(prompt):
            raise HostError("Embed/prompt", fault)
        if self._past is not None:
            is_under_way = self._state.phase not in {Phase.READY, Phase.ENDED}
            if is_under_way and prompt:
                message = "a turn is under way in the trace; run it to its end before the next one"
                raise HostError("Embed/begin", message)
            rows = self._go_on(self._past)
            if is_under_way:
                return rows
        if self._state.phase not in {Phase.READY, Phase.ENDED}:
            raise HostError("Embed/begin", "a turn begins when the one before it is over")
        if self.is_stopping and self.verbs_done() is not None:
            message = "a step of the turn that was stopped does not end; make another session"
            raise HostError("Embed/stop", message)
        if self.is_over:
            self.is_stopping = False
            self.arrivals.drop_stale()
        return self.take(self._asked(prompt) if prompt else Began())

    def _go_on(self, past: Past) -> list[Row]:
        """Go on from where a trace breaks off (Embed/resume).

        Returns:
            The rows of what the machine had to settle yet.
        """
        with self._taking:
            self._is_taking = True
            try:
                return self._gone_on(past)
            finally:
                self._is_taking = False

    def _gone_on(self, past: Past) -> list[Row]:
        self._past = None
        self._verbs.restore(past.rows)
        is_asked = self._state.decode_outstanding
        self._state, rows = settle(self._state)
        if rows:
            self._write_and_perform(rows)
        if is_asked:
            self._verbs.decode()
        for each in past.running:
            if self._state.calls[each.start.call].status is Status.RUNNING:
                self._take_up(each)
        self._verbs.look(self._state)
        return rows

    def _take_up(self, running: Running) -> None:
        """Start a call again that may be run twice; say of any other that it was interrupted."""
        start = running.start
        if not self._functions[start.function].tool.idempotent:
            self.put(Returned(start.call, failure("interrupted", _INTERRUPTED)))
            return
        if start.deadline_us is not None:
            allowed_us = start.deadline_us - running.at_us
            heapq.heappush(self._deadlines, (self._state.now_us + allowed_us, start.call))
        self._verbs.started(start.call)
        self.calls.start(start)

    def _asked(self, prompt: str) -> Began:
        """Return what begins a turn with a prompt, in the session's own form or as a message (Embed/prompt)."""
        if self._verbs.takes_prompts:
            return Began(prompt)
        self.say(Said(prompt))
        return Began()

    @property
    def is_over(self) -> bool:
        """Whether the turn is over."""
        return self._state.phase is Phase.ENDED

    @property
    def ending(self) -> EndReason:
        """Why the turn is over."""
        return self._state.ending

    @property
    def patience_s(self) -> float:
        """How long to wait for an arrival before the next look at the clock, in seconds."""
        times = [self._verbs.again_at_us, *(at_us for at_us, _ in self._deadlines[:1])]
        next_us = min((at_us for at_us in times if at_us is not None), default=None)
        if next_us is None:
            return _LONGEST_WAIT_S
        return min(max(0.0, (next_us - self._now_us()) / 1e6), _LONGEST_WAIT_S)

    def verbs_done(self) -> "Future[None] | None":
        """Return what is done when the session's verbs are that were asked for; None if they are."""
        return self._verbs.done()

    def take(self, first: Event | None = None) -> list[Row]:
        """Take everything that has happened as one instant, in the order of Time/order.

        Args:
            first: An arrival that was taken out of the queue already.

        Returns:
            The rows, once they are written and their effects are on their way.

        Raises:
            HostError: The session or an executor broke the contract of spec/5-embedding.md.
            BaseException: Whatever the journal raised; then no effect of these rows is performed,
                and nothing more is taken.
        """
        with self._taking:
            self._is_taking = True
            try:
                # Whoever closes it ends the turn first, and then there is a wait for its verbs.
                self._require_open(is_ended=self.is_over and not isinstance(first, Began))
                return self._take(first)
            finally:
                self._is_taking = False

    def _require_open(self, *, is_ended: bool = False) -> None:
        if self._is_closed or is_ended:
            raise HostError("Embed/shutdown", "the session was closed while it ran")

    def _take(self, first: Event | None) -> list[Row]:
        if self._is_broken:
            raise HostError("Embed/effects", _BROKEN)
        # One moment, one time: what arrives later is later (Time/instant).
        now_us = max(self._now_us(), self._state.now_us + 1)
        events = self.arrivals.take(first) + self._expired(now_us)
        if len(events) > 1:
            events.sort(key=priority)
        if not events:
            self._verbs.look_if_due(self._state)
            return []
        state, rows = instant(self._state, now_us, events)
        self._require_open()
        self._state = state
        self._write_and_perform(rows)
        return rows

    def _write_and_perform(self, rows: list[Row]) -> None:
        self._is_broken = True  # until what the rows name is done
        self._journal(rows)
        self._require_open()
        with self.arrivals:
            for row in rows:
                if isinstance(row.event, Began) and row.event.prompt:
                    self._verbs.prompt(row.event.prompt)
                for effect in row.effects:
                    self._perform(effect)
            self._is_broken = False
            self._verbs.look(self._state)
        self._seen(rows)

    def end_turn(self) -> None:
        """Stop a turn that is under way, as far as that can still be done: what the model was
        writing is taken back, and the trace says so (Embed/shutdown). Nobody waits without end for
        the session after that. Where a signal comes while its own thread takes an instant, that
        one is no part of the trace any more, or its last.
        """
        self.is_stopping = True
        if self._past is not None:
            return  # nothing was begun: the trace stays as it is
        with self._taking:
            is_under_way = self._state.phase not in {Phase.READY, Phase.ENDED}
            is_whole = not (self._is_broken or self._is_closed or self._verbs.failure)
            if is_under_way and is_whole and not self._is_taking:
                self.take(Stopped())

    def raise_failure(self) -> None:
        """Raise what a verb of the session has raised, if one has."""
        if self._verbs.failure:
            raise self._verbs.failure

    def close(self, patience_s: float) -> None:
        """Cancel calls. Nothing may follow; who still runs a turn is told.

        Args:
            patience_s: How long coroutines have to end, in seconds.
        """
        with self._taking:
            self._is_closed = True
        self.put(None)
        self.calls.close(patience_s)

    def _expired(self, now_us: int) -> list[Event]:
        expired: list[Event] = []
        while self._deadlines and self._deadlines[0][0] <= now_us:
            expired.append(Expired(heapq.heappop(self._deadlines)[1]))
        return expired

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Decode():
                self._verbs.decode()
            case Inject():
                self._verbs.append(batch_of(effect, self.settings.profile))
            case Rewind(offset):
                self._verbs.rewind(offset)
            case Start():
                if effect.deadline_us is not None:
                    heapq.heappush(self._deadlines, (effect.deadline_us, effect.call))
                self._verbs.started(effect.call)
                self.calls.start(effect)
            case Cancel(call):
                self.calls.cancel(call)
            case Finish("stopped"):
                self._verbs.end_turn()
            case Report() | Finish():
                pass


def _settings_of(past: Past, offered: Mapping[str, Offered]) -> Settings:
    """Return the settings of a session that goes on: those of its trace, whatever is offered now."""
    settings = past.header.settings
    if missing := [name for name in settings.functions or () if name not in offered]:
        message = "these functions are missing, which the trace was made with: "
        raise HostError("Embed/resume", message + ", ".join(missing))
    return settings
