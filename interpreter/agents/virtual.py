"""Agents under one clock that only counts: the same rows on every machine (Time/agents)."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from interpreter.agents.post import SEND, Letter, Post
from interpreter.drivers.virtual import (
    TimedOutcomes,
    VirtualEnvironment,
    VirtualFunctions,
    check_is_over,
    taken,
)
from interpreter.errors import HostError
from interpreter.events import Began, Event, Row, Said, Start, Stopped
from interpreter.interrupts import message_fault
from interpreter.session import DecodingCosts, Session
from interpreter.state import Phase, Settings, State, check_settings
from interpreter.tools.calling import call_function
from interpreter.tools.signature import Function


def _no_functions(start: Start) -> TimedOutcomes:
    raise LookupError(f"nothing says what {start.function} does")


class VirtualAgent(msgspec.Struct, frozen=True):
    """An agent under the virtual clock.

    Args:
        name: Its name.
        session: The model's context; a scripted one, as a rule.
        functions: What each started call does, but for those of `send`.
        settings: What the host chose; `send` is added to the functions that it names.
        costs: What decoding and injecting cost.
        planned: What people say, when further turns begin, and when the host stops, with times in
            microseconds.
        waits: Whether its first turn begins with the first message, and not at once.
    """

    name: str
    session: Session
    functions: VirtualFunctions = _no_functions
    settings: Settings = Settings()
    costs: DecodingCosts = DecodingCosts()
    planned: tuple[tuple[int, Began | Said | Stopped], ...] = ()
    waits: bool = False


class VirtualAgents:
    """Runs agents under one virtual clock.

    Args:
        agents: In this order they take what happens at the same time.
        message_us: How long a message is on its way, in microseconds; at least 1.

    Raises:
        HostError: A name is none, or stands twice (Embed/agents); settings are out of bounds.
        ValueError: A message would come in no time.
    """

    def __init__(self, agents: Iterable[VirtualAgent], message_us: int = 1) -> None:
        listed = tuple(agents)
        if message_us < 1:
            raise ValueError("a message is on its way for at least one microsecond (Time/agents)")
        self._post = Post(agent.name for agent in listed)
        self._message_us = message_us
        self._now_us = 0
        self._driven = {agent.name: _Driven(agent, self._sender(agent)) for agent in listed}

    @property
    def left_over(self) -> tuple[Letter, ...]:
        """The messages that were sent and did not go in."""
        return self._post.left_over

    def run(self) -> Iterator[tuple[str, Row]]:
        """Run until nothing more happens.

        Yields:
            Each row with the name of its agent, in the order of time, before its effects are
            performed.

        Raises:
            HostError: A call never returns, and its session waits for it.
        """
        while driven := self._next():
            self._now_us, rows = driven.take()
            self._post.see(driven.name, rows)
            for row in rows:
                yield driven.name, row
                driven.perform(row, self._now_us)
        for driven in self._driven.values():
            if driven.state.phase is not Phase.READY:
                check_is_over(driven.state)

    def _next(self) -> "_Driven | None":
        """Return the agent to which something happens next; of several the first."""
        times = [
            (at_us, each) for each in self._driven.values() if (at_us := each.next_us) is not None
        ]
        return min(times, key=lambda found: found[0])[1] if times else None

    def _sender(self, agent: VirtualAgent) -> Function:
        limits = agent.settings.profile.limits
        return self._post.sender(agent.name, limits, self._bring)

    def _bring(self, letter: Letter) -> None:
        driven = self._driven[letter.to]
        said = letter.said
        if fault := message_fault(said.text, driven.state.settings.profile, said.sender, said.hops):
            raise HostError("Embed/message", fault)
        driven.plan(self._now_us + self._message_us, said)


_IN_NO_TURN: Final = {Phase.READY, Phase.ENDED}


class _Driven:
    """An agent with its machine, and whatever answers its effects."""

    def __init__(self, agent: VirtualAgent, send: Function) -> None:
        settings, names = agent.settings, agent.settings.functions
        self._writes = names is None or SEND not in names
        if names is not None and self._writes:
            settings = replace(settings, functions=(*names, SEND))
        self.name = agent.name
        self.state = State(check_settings(settings))
        self._functions = agent.functions
        self._send = send
        self._is_called = False
        self._environment = VirtualEnvironment(
            agent.session, settings, self._answers, agent.costs, agent.planned
        )
        self.plan = self._environment.plan
        if not agent.waits:
            self.plan(0, Began())

    @property
    def next_us(self) -> int | None:
        """When something happens to it next, in microseconds; None if nothing will."""
        return self._environment.next_us

    def take(self) -> tuple[int, list[Row]]:
        """Take all that happens to it at the next moment: when, and the rows. A message that comes
        between two turns begins one (Embed/turns).
        """
        now_us, events = self._environment.moment() or (self.state.now_us, [])
        self.state, rows = taken(self.state, now_us, self._begun(events))
        if self._is_called and self._may_begin and self.state.queue:
            self.plan(now_us + 1, Began())
        return now_us, rows

    def perform(self, row: Row, now_us: int) -> None:
        """Perform the effects of a row."""
        for effect in row.effects:
            self._environment.perform(effect, now_us)

    @property
    def _may_begin(self) -> bool:
        return self.state.phase in _IN_NO_TURN and self.state.ending == "stop"

    def _begun(self, events: list[Event]) -> list[Event]:
        """Return what happens with the turn that it begins, if a message comes between two."""
        begins = any(isinstance(event, Began) for event in events)
        comes = any(isinstance(event, Said) for event in events)
        if comes and not begins and self._may_begin:
            events, begins = [Began(), *events], True
        self._is_called = (self._is_called or comes) and not begins
        return events

    def _answers(self, start: Start) -> TimedOutcomes:
        if start.function != SEND or not self._writes:
            return self._functions(start)
        body = self.state.settings.profile.body
        return [(0, call_function(self._send, start.args, start.kwargs, body))]
