"""A bounded program and what can happen to it (spec/3-semantics.md, section 9).

A `World` is a session together with what surrounds it: how much of the script is decoded, which
functions still run, which deadlines and messages are to come. It says which events can come next;
the machine says what each one does.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from cml.ast import OutcomeKind
from cml.profile import Profile
from cml.text.regions import make_lexer
from interpreter.events import (
    Began,
    Decoded,
    Effect,
    Ended,
    Event,
    Expired,
    Outcome,
    Returned,
    Said,
    Start,
    Stopped,
    failure,
)
from interpreter.state import Phase, Queued, Settings, State, Status

LATE: Final = "too late"
"""What a function returns after its call was settled: the model must never see it."""


class Program(msgspec.Struct, frozen=True):
    """A script and everything that can happen around it.

    Args:
        script: What the model writes, from beginning to end.
        settings: What the host chose; with a deadline, every call may also expire.
        messages: How many messages people may send, at any time.
        stops: Whether the host may stop the session at any time.
        failures: Whether every function may also fail.
    """

    script: str
    settings: Settings = Settings()
    messages: int = 0
    stops: bool = False
    failures: bool = False


class World(msgspec.Struct, frozen=True):
    """A state of the machine, and of what surrounds it.

    Args:
        state: The machine's.
        script: What the model has still to write; the end, which may come again, stays.
        running: Calls whose functions have not come back.
        deadlines: Calls whose deadlines are to come.
        messages: How many messages may still be sent.
        begun: Whether the session has begun.
        settled: Whether the Settle rules were fired since the last event.
    """

    state: State
    script: tuple[Decoded | Ended, ...]
    running: frozenset[str] = frozenset()
    deadlines: frozenset[str] = frozenset()
    messages: int = 0
    begun: bool = False
    settled: bool = True


def first_world(program: Program) -> World:
    """Return the world before anything has happened."""
    script = written(program.script, program.settings.profile)
    return World(State(program.settings), script, messages=program.messages)


def written(script: str, profile: Profile) -> tuple[Decoded | Ended, ...]:
    """Return what a model writes as events: every symbol is a token of its own, so each ends at a
    boundary, unless it leaves the context inside a region.
    """
    lexer = make_lexer(profile, generated=True)
    lexer.push(script)
    events: list[Decoded | Ended] = []
    while symbol := lexer.pull():
        events.append(Decoded(symbol, not lexer.in_region))
    outside = not lexer.in_region
    events += (Decoded(symbol, outside) for symbol in lexer.close())
    return (*events, Ended("stop", outside))


def next_events(world: World, program: Program) -> Iterator[Event]:
    """Yield every event that can come next, what the model writes before all others."""
    if not world.begun:
        yield Began()
        return
    if world.state.decode_outstanding:
        yield _next_written(world)
    for call in sorted(world.running):
        yield Returned(call, _result(world, call))
        if program.failures and _runs(world, call):
            yield Returned(call, failure("E", "it failed"))
    for call in sorted(world.deadlines):
        yield Expired(call)
    if world.state.phase is not Phase.ENDED:
        if world.messages:
            yield Said("hello")
        if program.stops:
            yield Stopped()


def _next_written(world: World) -> Event:
    """Return what the model writes next, where a model would write it: a forged interrupt is taken
    back, so what follows takes its place.
    """
    event = world.script[0]
    if isinstance(event, Ended):
        return event
    return replace(event, symbol=replace(event.symbol, offset=world.state.offset))


def _result(world: World, call: str) -> Outcome:
    value = f"result of {call}" if _runs(world, call) else LATE
    return Outcome(OutcomeKind.RETURNED, value)


def _runs(world: World, call: str) -> bool:
    return world.state.calls[call].status is Status.RUNNING


def after_event(world: World, event: Event, state: State, effects: tuple[Effect, ...]) -> World:
    """Return the world after an event, given what the machine made of it."""
    match event:
        case Decoded():
            world = replace(world, script=world.script[1:])
        case Returned(call=call):
            world = replace(world, running=world.running - {call})
        case Expired(call=call):
            world = replace(world, deadlines=world.deadlines - {call})
        case Said():
            world = replace(world, messages=world.messages - 1)
        case Began():
            world = replace(world, begun=True)
        case Ended() | Stopped():
            pass
    return after_effects(replace(world, settled=False), state, effects)


def after_effects(world: World, state: State, effects: tuple[Effect, ...]) -> World:
    """Return the world after the effects of a row."""
    for effect in effects:
        if isinstance(effect, Start):
            deadlines = {effect.call} if effect.deadline_us is not None else set()
            world = replace(
                world,
                running=world.running | {effect.call},
                deadlines=world.deadlines | deadlines,
            )
    return replace(world, state=state)


def key_of(world: World, *, full: bool = True) -> tuple[object, ...]:
    """Return what tells two worlds apart. Times do not: what matters of them is the order of the
    queue, and offsets follow from what is left of the script.

    Args:
        world: One of the two.
        full: Whether the order of the queue tells them apart, too.
    """
    state = world.state
    return (
        len(world.script),
        world.running,
        world.deadlines,
        world.messages,
        world.settled,
        state.phase,
        state.decode_outstanding,
        state.boundary,
        state.last,
        state.block,
        tuple((k, c.status, _outcome_key(c.outcome)) for k, c in state.calls.items()),
        _queue_key(world) if full else frozenset(Counter(map(_queued_key, state.queue)).items()),
        state.backslashes,
        state.wait,
        state.interrupted,
        state.messaged,
        state.ending,
        state.errors,
        state.forged,
    )


def _queue_key(world: World) -> tuple[object, ...]:
    # What came in this moment is still sorted among itself; what came before is not.
    state = world.state
    unsorted = not world.settled and sum(q.at_us == state.now_us for q in state.queue)
    return (*map(_queued_key, state.queue), unsorted)


def _queued_key(queued: Queued) -> tuple[str, tuple[OutcomeKind, str] | None]:
    return queued.delivery.id, _outcome_key(queued.delivery.outcome)


def _outcome_key(outcome: Outcome | None) -> tuple[OutcomeKind, str] | None:
    return None if outcome is None else (outcome.kind, str(outcome.value))
