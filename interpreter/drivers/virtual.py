"""The virtual driver: a session under a clock that only counts (spec/4-time.md, section 2).

The same session, functions and costs give the same rows, byte by byte, on every machine.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from cml.arguments import kind_of
from interpreter.drivers.decoding import Decoder
from interpreter.drivers.timeline import Timeline
from interpreter.errors import HostError
from interpreter.events import (
    Began,
    Cancel,
    Decode,
    Effect,
    Event,
    Expired,
    Finish,
    Inject,
    Outcome,
    Report,
    Returned,
    Rewind,
    Row,
    Said,
    Start,
    Stopped,
)
from interpreter.interrupts import batch_of
from interpreter.machine import instant
from interpreter.session import DecodingCosts, Piece, Session
from interpreter.state import Phase, Settings, State, check_settings

TimedOutcomes: TypeAlias = Sequence[tuple[int, Outcome]]
"""What a call comes back with: after how many microseconds from its start, which outcome; progress
first, if it reports any."""

VirtualFunctions: TypeAlias = Callable[[Start], TimedOutcomes]
"""What a started call does."""


class Drive(Protocol):
    """A driver under a virtual clock, as `run_virtual` is."""

    def __call__(
        self,
        session: Session,
        functions: VirtualFunctions,
        settings: Settings | None = None,
        costs: DecodingCosts | None = None,
        planned: Iterable[tuple[int, Began | Said | Stopped]] = (),
        /,
    ) -> Iterator[Row]:
        """Run a session; yield the rows of the trace."""
        ...


class Environment(Protocol):
    """Whatever answers effects by planning events."""

    def moment(self) -> tuple[int, list[Event]] | None:
        """Return when something happens next, and all that happens then; None if nothing will."""
        ...

    def perform(self, effect: Effect, now_us: int) -> None:
        """Do what an effect asks for."""
        ...


def drive(settings: Settings, environment: Environment) -> Iterator[Row]:
    """Run the machine on what happens in an environment until nothing more does.

    Args:
        settings: What the host chose.
        environment: Performs effects, and says what happens next.

    Yields:
        Each row, in order, before its effects are performed.

    Raises:
        HostError: The environment broke the contract of spec/5-embedding.md.
    """
    state = State(settings)
    while moment := environment.moment():
        now_us, events = moment
        state, rows = taken(state, now_us, events)
        for row in rows:
            yield row
            for effect in row.effects:
                environment.perform(effect, now_us)
    check_is_over(state)


def taken(state: State, now_us: int, events: Iterable[Event]) -> tuple[State, list[Row]]:
    """Let the machine take all that happens at one moment, but for what comes after a stop."""
    events = tuple(events)
    begins = any(isinstance(event, Began) for event in events)
    if state.ending == "stopped" and not begins:
        events = tuple(event for event in events if isinstance(event, Returned | Expired))
    return instant(state, now_us, events)


def check_is_over(state: State) -> None:
    """See that a session to which nothing more will happen does not wait.

    Raises:
        HostError: It does: a call never returned (Embed/return).
    """
    if state.phase is not Phase.ENDED:
        message = f"nothing more will happen, but the session is {state.phase.value}"
        raise HostError("Embed/return", message)


class VirtualEnvironment:
    """A session, functions and costs as an environment.

    Args:
        session: The model's context.
        settings: What the host chose.
        functions: What each started call does.
        costs: What decoding and injecting cost.
        planned: What happens besides, with times in microseconds.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        functions: VirtualFunctions,
        costs: DecodingCosts,
        planned: Iterable[tuple[int, Began | Said | Stopped]],
    ) -> None:
        self._timeline = Timeline()
        for when_us, event in planned:
            self.plan(when_us, event)
        self._decoder = Decoder(session, settings.profile)
        self._profile = settings.profile
        self._functions = functions
        self._costs = costs
        self._context_tokens = 0
        self._pieces: list[tuple[int, int]] = []  # where each began that stays, and its tokens
        self._free_us = 0

    def plan(self, when_us: int, event: Event) -> None:
        """Have something happen at a time, in microseconds."""
        self._timeline.push(when_us, event)

    @property
    def next_us(self) -> int | None:
        """When something happens next, in microseconds; None if nothing will."""
        return self._timeline.next_us

    def moment(self) -> tuple[int, list[Event]] | None:
        """Return when something happens next, and all that happens then; None if nothing will."""
        return self._timeline.pop()

    def perform(self, effect: Effect, now_us: int) -> None:
        """Do what an effect asks for."""
        match effect:
            case Decode():
                written = self._decoder.received
                answer = self._decoder.next()
                self._free_us = max(now_us, self._free_us)
                for piece in answer.pieces:
                    self._free_us += self._decode_us(piece)
                    self._pieces.append((written, piece.tokens))
                    written += len(piece.text)
                self._timeline.push(self._free_us, answer.event)
            case Start():
                for after_us, outcome in self._functions(effect):
                    self._timeline.push(now_us + after_us, Returned(effect.call, outcome))
                if effect.deadline_us is not None:
                    self._timeline.push(effect.deadline_us, Expired(effect.call))
            case Inject():
                tokens = self._decoder.append(batch_of(effect, self._profile))
                self._context_tokens += tokens
                cost_us = self._costs.naive_request_us + tokens * self._costs.interrupt_token_us
                self._free_us = max(now_us, self._free_us) + cost_us
            case Rewind(offset):
                self._decoder.rewind(offset)
                self._forget(offset)
            case Finish("stopped"):
                self._decoder.end_turn()
                self._timeline.drop_decoding()
            case Cancel() | Report() | Finish():
                pass

    def _decode_us(self, piece: Piece) -> int:
        context_us = self._context_tokens * self._costs.context_token_us
        self._context_tokens += piece.tokens
        if piece.took_us is not None:
            return piece.took_us
        return piece.tokens * (self._costs.token_us + context_us)

    def _forget(self, offset: int) -> None:
        """Tokens that were taken back whole are no part of the context (Time/context)."""
        while self._pieces and self._pieces[-1][0] >= offset:
            self._context_tokens -= self._pieces.pop()[1]


def run_virtual(
    session: Session,
    functions: VirtualFunctions,
    settings: Settings | None = None,
    costs: DecodingCosts | None = None,
    planned: Iterable[tuple[int, Began | Said | Stopped]] = (),
) -> Iterator[Row]:
    """Run a session under the virtual clock.

    Args:
        session: The model's context; a scripted one, as a rule.
        functions: What each started call does.
        settings: What the host chose.
        costs: What decoding and injecting cost.
        planned: What people say, when further turns begin, and when the host stops, with times in
            microseconds.

    Yields:
        The rows of the trace.

    Raises:
        HostError: A call never returns, and the session waits for it.
        TypeError: Something is no session, no callable or no settings.
    """
    if not callable(functions):
        raise TypeError(
            f"functions are a callable that answers each start, not {kind_of(functions)}"
        )
    used = check_settings(Settings() if settings is None else settings)
    happening = [(0, Began()), *planned]
    return drive(
        used, VirtualEnvironment(session, used, functions, costs or DecodingCosts(), happening)
    )
