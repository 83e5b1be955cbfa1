"""The Settle rules: what the state alone triggers (spec/3-semantics.md, section 6).

They are tried in the order of `SETTLE_RULES`, again and again, until none applies.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, TypeAlias

from msgspec.structs import replace

from cml.ast import Call
from interpreter.events import Cancel, Decode, Effect, Finish, Inject, Start
from interpreter.rules.changes import Fired, settle_call, with_call
from interpreter.rules.failures import outcome_of
from interpreter.rules.futures import dependency_fault, resolve
from interpreter.state import (
    CallState,
    Phase,
    State,
    Status,
    has_pending,
    is_pending,
    running,
)

SettleRule: TypeAlias = Callable[[State], Fired | None]

_PHASES: Final[dict[SettleRule, tuple[Phase, ...]]] = {}


def phases_of(rule: SettleRule) -> tuple[Phase, ...]:
    """Return the phases in which a rule may apply: all of them, where it does not say."""
    return _PHASES.get(rule, tuple(Phase))


def _during(*phases: Phase) -> Callable[[SettleRule], SettleRule]:
    """Let a rule apply in these phases only."""

    def guard(rule: SettleRule) -> SettleRule:
        @wraps(rule)
        def guarded(state: State) -> Fired | None:
            return rule(state) if state.phase in phases else None

        _PHASES[guarded] = phases
        return guarded

    return guard


def settle_dependency(state: State) -> Fired | None:
    """Settle/dependency: a waiting call fails when a call that it names ended without result, or
    its result lacks what is asked of it.
    """
    for key in state.failing:
        call = state.calls[key].call
        if call and (fault := dependency_fault(call, state)):
            return settle_call(state, key, outcome_of("dependency", fault)), ()
    return None


def settle_start(state: State) -> Fired | None:
    """Settle/start: a waiting call starts when all calls that it names have returned and a worker
    is free; among several, the first in the order of the settings.
    """
    settings = state.settings
    if not state.ready or (settings.workers and running(state) >= settings.workers):
        return None
    waiting = ((key, state.calls[key]) for key in state.ready)
    ready = [(key, entry.order, entry.call) for key, entry in waiting if entry.call]
    key, order, call = min(ready, key=lambda entry: _start_key(state, *entry[1:]))
    limit_us = settings.deadlines_us.get(call.function, settings.deadline_us)
    deadline_us = None if limit_us is None else state.now_us + limit_us
    start = Start(key, call.function, *resolve(call, state), deadline_us)
    return with_call(state, key, CallState(order, call, Status.RUNNING)), (start,)


@_during(Phase.ENDING)
def settle_drain(state: State) -> Fired | None:
    """Settle/drain: an end with interrupts to come is taken back and becomes a trap; not inside a
    region, where nothing could go in.
    """
    if state.settings.end != "drain" or state.ending != "stop" or not state.boundary:
        return None
    if not (state.queue or has_pending(state)):
        return None
    return replace(state, phase=Phase.TRAPPED, wait=None, interrupted=False, messaged=False), ()


@_during(Phase.ENDING)
def settle_detach(state: State) -> Fired | None:
    """Settle/detach: the turn ends at once; what still runs is delivered in the next one."""
    if state.settings.end != "detach" or not (state.queue or state.unsettled):
        return None
    return replace(state, phase=Phase.ENDED), (Finish(state.ending),)


@_during(Phase.ENDING)
def settle_cancel(state: State) -> Fired | None:
    """Settle/cancel: an end settles what is pending as cancelled, and asks what runs to stop."""
    if state.settings.end != "cancel" or not state.unsettled:
        return None
    return _cancel_all(state)


@_during(Phase.ENDING)
def settle_fail(state: State) -> Fired | None:
    """Settle/fail: an end with calls pending is an error of the model's; all are cancelled."""
    if state.settings.end != "fail" or not has_pending(state):
        return None
    after, effects = _cancel_all(state)
    return replace(after, ending="pending"), effects


@_during(Phase.ENDING)
def settle_withhold(state: State) -> Fired | None:
    """Settle/withhold: where the output ended inside a region nothing can go in; the turn ends, and
    what is queued or still runs is delivered in the next one.
    """
    if state.boundary or not (state.queue or state.unsettled):
        return None
    return replace(state, phase=Phase.ENDED), (Finish(state.ending),)


@_during(Phase.DECODING, Phase.TRAPPED, Phase.ENDING)
def settle_deliver(state: State) -> Fired | None:
    """Settle/deliver: at a safe point all queued interrupts go in, as one batch."""
    if not state.queue or not state.is_safe_point:
        return None
    if state.phase is Phase.DECODING and not _while_decoding(state):
        return None
    messaged = state.messaged or any(queued.rank == 0 for queued in state.queue)
    batch = tuple(queued.delivery for queued in state.queue)
    if state.settings.layout == "lines":
        inject = Inject(batch, before="" if state.last == "\n" else "\n", after="\n")
    else:
        inject = Inject(batch, before="\\" * state.backslashes)
    last = inject.after[-1:]
    after = replace(state, queue=(), last=last, backslashes=0, interrupted=True, messaged=messaged)
    return after, (inject,)


@_during(Phase.TRAPPED)
def settle_wake(state: State) -> Fired | None:
    """Settle/wake: a trap ends when what it waits for has been delivered, or a message has."""
    match state.wait:
        case None:
            is_over = state.interrupted
        case "all":
            is_over = not has_pending(state)
        case names:
            is_over = not any(is_pending(state, name) for name in names)
    if not (is_over or state.messaged):
        return None
    return replace(state, phase=Phase.DECODING, wait=None), ()


@_during(Phase.DECODING)
def settle_decode(state: State) -> Fired | None:
    """Settle/decode: while the session decodes, one symbol is asked for at a time."""
    if state.decode_outstanding:
        return None
    return replace(state, decode_outstanding=True), (Decode(),)


@_during(Phase.ENDING)
def settle_finish(state: State) -> Fired | None:
    """Settle/finish: a turn that is ending is over when no call runs and nothing is queued."""
    if state.queue or state.unsettled:
        return None
    return replace(state, phase=Phase.ENDED), (Finish(state.ending),)


def _cancel_all(state: State) -> Fired:
    effects: list[Effect] = []
    for key in state.unsettled:
        if state.calls[key].status is Status.RUNNING:
            effects.append(Cancel(key))
        state = settle_call(state, key, outcome_of("cancelled", "the model came to its end"))
    return state, tuple(effects)


def _start_key(state: State, order: int, call: Call) -> tuple[int, int]:
    """The order in which ready calls start: a sort key, total because `order` is."""
    sign = {"program": 0, "longest": -1, "shortest": 1}[state.settings.start]
    return sign * state.settings.estimates_us.get(call.function, 0), order


def _while_decoding(state: State) -> bool:
    """Whether interrupts go in here although the model decodes, as the host chose."""
    match state.settings.deliver:
        case "any":
            return True
        case "word":
            return not state.last.isalnum()  # the categories L and N
        case "line":
            return state.last in {"", "\n"}
        case "idle":
            return False


SETTLE_RULES: Final[tuple[SettleRule, ...]] = (
    settle_dependency,
    settle_start,
    settle_drain,
    settle_detach,
    settle_cancel,
    settle_fail,
    settle_withhold,
    settle_deliver,
    settle_wake,
    settle_decode,
    settle_finish,
)
