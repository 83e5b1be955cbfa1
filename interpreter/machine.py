"""The machine: a session as a pure function of its events (spec/3-semantics.md).

No clock, no input or output, no randomness: `advance` lets time pass, `step` takes one event,
`settle` fires what the state alone triggers. `instant` puts the three together; drivers call it
and perform the effects of the rows that it returns.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from cml.ast import Block
from cml.symbols import OPENERS, Marker
from cml.text.blocks import BlockEnd, extend, read_block
from interpreter.errors import HostError, Stuck
from interpreter.events import (
    Began,
    Decoded,
    Effect,
    Ended,
    Event,
    Expired,
    Returned,
    Row,
    Said,
    Stopped,
)
from interpreter.interrupts import message_fault
from interpreter.rules import RULES, Rules, rule_name
from interpreter.state import Phase, State, Status

_ENDING_NO_BLOCK: Final = frozenset({Marker.HEAD, Marker.INTR})
RULE_NAMES: Final = tuple(map(rule_name, RULES.all))


def advance(state: State, now_us: int) -> State:
    """Let time pass.

    Args:
        state: The state before.
        now_us: The new time, in microseconds from the beginning of the session.

    Raises:
        HostError: Time would go back (Embed/time).
    """
    if now_us < state.now_us:
        message = f"time went back from {state.now_us} µs to {now_us} µs"
        raise HostError("Embed/time", message)
    return state if now_us == state.now_us else replace(state, now_us=now_us)


def step(state: State, event: Event, rules: Rules = RULES) -> tuple[str, State, tuple[Effect, ...]]:
    """Take one event: exactly one Step rule fires.

    Args:
        state: The state before.
        event: What happened.
        rules: The rules; other than those of the specification only to see what breaks.

    Returns:
        The name of the rule, the state after it and its effects, in order.

    Raises:
        HostError: The event may not happen in this state (spec/5-embedding.md).
    """
    asked = _asked(state, event)
    for rule in rules.stepping[type(event)]:
        if fired := rule(*asked):
            return rule_name(rule), *fired
    raise Stuck(f"no rule applies to {event}")


def step_checked(
    state: State, event: Event, rules: Rules = RULES
) -> tuple[str, State, tuple[Effect, ...]]:
    """Take one event as `step` does, and see that no second rule applies (3.4).

    Raises:
        HostError: The event may not happen in this state.
        Stuck: No rule applies, or more than one.
    """
    asked = _asked(state, event)
    tried = ((rule_name(rule), rule(*asked)) for rule in rules.stepping[type(event)])
    match [(name, fired) for name, fired in tried if fired]:
        case [(name, fired)]:
            return name, *fired
        case []:
            raise Stuck(f"no rule applies to {event}")
        case applied:
            names = ", ".join(name for name, _ in applied)
            raise Stuck(f"exactly one rule must apply, not {names}")


def _asked(state: State, event: Event) -> tuple[object, ...]:
    """Return what each rule for an event is asked, once the event is seen to be one that may happen."""
    _check_contract(state, event)
    if isinstance(event, Decoded):
        return state, event, _ended_block(state, event)
    return state, event


def settle(state: State, rules: Rules = RULES) -> tuple[State, list[Row]]:
    """Fire the Settle rules, the first that applies each time, until none does (Time/instant).

    Args:
        state: After an event.
        rules: Those of chapter 3, unless others are tried out.

    Returns:
        The state that has settled, and a row for each firing.
    """
    rows: list[Row] = []
    while fired := settle_one(state, rules):
        state, row = fired
        rows.append(row)
    return state, rows


def settle_one(state: State, rules: Rules = RULES) -> tuple[State, Row] | None:
    """Fire the first Settle rule that applies; None when the state is settled."""
    for rule in rules.settling_in[state.phase]:
        if fired := rule(state):
            after, effects = fired
            return after, Row(state.now_us, rule_name(rule), None, effects)
    return None


def instant(
    state: State, now_us: int, events: Iterable[Event], rules: Rules = RULES
) -> tuple[State, list[Row]]:
    """Take all events of one moment, then settle (Time/instant).

    Args:
        state: The state before.
        now_us: When, in microseconds from the beginning of the session.
        events: What happened, in order.
        rules: The rules; other than those of the specification only to see what breaks.

    Returns:
        The state after it, and a row for each rule that fired.

    Raises:
        HostError: Time would go back, or an event may not happen in this state.
    """
    state = advance(state, now_us)
    rows: list[Row] = []
    for event in events:
        name, state, effects = step(state, event, rules)
        rows.append(Row(now_us, name, event, effects))
    state, settled = settle(state, rules)
    return state, rows + settled


def _was_started(state: State, key: str) -> bool:
    call = state.calls.get(key)
    return call is not None and call.call is not None and call.status is not Status.WAITING


def _ended_block(state: State, event: Decoded) -> Block | None:
    """Read the block that this symbol ends, if it ends one."""
    marker, profile = event.symbol.marker, state.settings.profile
    if state.block is None or marker is None or marker in _ENDING_NO_BLOCK:
        return None
    if marker in OPENERS:
        return read_block(state.block, BlockEnd.OPENED, profile)
    return read_block(extend(state.block, event.symbol, profile), BlockEnd.CLOSED, profile)


def _check_contract(state: State, event: Event) -> None:
    if state.ending == "stopped" and not isinstance(event, Began | Returned | Expired):
        message = "the turn was stopped; only late returns may come before another one begins"
        raise HostError("Embed/stop", message)
    match event:
        case Decoded() | Ended() if not state.decode_outstanding:
            message = "a symbol came that was not asked for; decode only after a Decode effect"
            raise HostError("Embed/decode", message)
        case Decoded(symbol) if symbol.offset != state.offset:
            message = f"a symbol at offset {symbol.offset} came where {state.offset} is next"
            raise HostError("Embed/offset", message)
        case Decoded() | Ended() | Stopped():
            pass
        case Began() if state.phase not in {Phase.READY, Phase.ENDED}:
            raise HostError("Embed/begin", "a turn begins when the one before it is over")
        case Said(text, sender, hops):
            if fault := message_fault(text, state.settings.profile, sender, hops):
                raise HostError("Embed/message", fault)
        case Returned(call=call) | Expired(call=call) if not _was_started(state, call):
            message = f"{call} returned or expired, but no such call was started"
            raise HostError("Embed/return", message)
        case _:
            pass
