"""Changes of the state that several rules make."""

from bisect import insort
from typing import TypeAlias

from msgspec.structs import replace

from cml.ast import OutcomeKind
from cml.validity import references
from interpreter.events import Delivery, Effect, Outcome, Report
from interpreter.interrupts import shortened, unreadable
from interpreter.rules.failures import outcome_of
from interpreter.rules.futures import dependency_fault, is_ready
from interpreter.state import CallState, Queued, State, Status

Fired: TypeAlias = tuple[State, tuple[Effect, ...]]


def with_call(state: State, key: str, call: CallState) -> State:
    """Return the state with one call new or changed, and what follows for the calls that wait."""
    known = state.calls.get(key)
    before, now = known.status if known else Status.SETTLED, call.status
    after = replace(
        state,
        calls={**state.calls, key: call},
        unsettled=_listed(
            state.unsettled, key, before is not Status.SETTLED, now is not Status.SETTLED
        ),
        waiting=_listed(state.waiting, key, before is Status.WAITING, now is Status.WAITING),
    )
    return _considered(after, key) if after.waiting or state.waiting else after


def _listed(keys: tuple[str, ...], key: str, was_in: bool, is_in: bool) -> tuple[str, ...]:
    """Return the keys with one of them added or taken away; what it was is known without a look at
    all of them, which would be felt where many calls are pending.
    """
    if was_in == is_in:
        return keys
    if is_in:
        return (*keys, key)
    place = keys.index(key)
    return keys[:place] + keys[place + 1 :]


def _considered(state: State, changed: str) -> State:
    """Return the state with the waiting calls considered that one call concerns: itself, and those
    that name it. A result never changes, so what fails or is ready stays so until it settles or runs.
    """
    failing, ready = set(state.failing), set(state.ready)
    for key in state.waiting:
        call = state.calls[key].call
        if call and (key == changed or changed in references(call)):
            if dependency_fault(call, state):
                failing.add(key)
            if is_ready(call, state):
                ready.add(key)
    return replace(
        state,
        failing=tuple(key for key in state.waiting if key in failing),
        ready=tuple(key for key in state.waiting if key in ready),
    )


def queue_interrupt(
    state: State, identifier: str, outcome: Outcome, order: int, rank: int = 1
) -> State:
    """Return the state with one more interrupt to deliver, in its place (Settle/deliver)."""
    queue = list(state.queue)
    entry = Queued(rank, state.now_us, order, Delivery(identifier, outcome))
    insort(queue, entry, key=lambda queued: (queued.rank, queued.at_us, queued.order))
    return replace(state, queue=tuple(queue))


def settle_call(state: State, key: str, outcome: Outcome) -> State:
    """Return the state with a call settled, and its interrupt queued if it has an identifier. A
    result that no reader of the context would accept is a failure (Embed/result).
    """
    call = state.calls[key]
    profile = state.settings.profile
    if call.is_identified and (fault := unreadable(key, outcome, profile)):
        untold = outcome_of("result", f"the result cannot be told: {fault}")
        outcome = shortened(key, untold, profile)
    # Nobody can ask for the result of a call without identifier: it is not kept.
    is_kept = call.is_identified or outcome.kind is not OutcomeKind.RETURNED
    kept = outcome if is_kept else Outcome(outcome.kind, None)
    settled = CallState(call.order, call.call, Status.SETTLED, kept)
    after = with_call(state, key, settled)
    return queue_interrupt(after, key, outcome, call.order) if call.is_identified else after


def answer_fault(state: State, identifier: str | None, kind: str, message: str, rule: str) -> Fired:
    """Settle a faulty block at once, under its identifier if that is readable and new, else as the
    next protocol error (Syntax/runtime-identifier).
    """
    order = len(state.calls) + 1
    is_own = identifier is not None and identifier not in state.calls
    key = identifier if is_own and identifier else f"error{state.errors + 1}"
    outcome = shortened(key, outcome_of(kind, message), state.settings.profile)
    if is_own:
        state = with_call(state, key, CallState(order, None, Status.SETTLED, outcome))
    else:
        state = replace(state, errors=state.errors + 1)
    return queue_interrupt(state, key, outcome, order), (Report(rule, message),)
