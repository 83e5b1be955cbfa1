"""The Settle rules: what the state alone triggers (spec/3-semantics.md, section 5).

They are tried in the order of `SETTLE_RULES`, again and again, until none applies.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from interpreter.events import Decode, Delivery, Effect, Finish, Inject, Outcome, Start, failure
from interpreter.futures import dependency_fault, is_ready, resolve
from interpreter.state import CallState, Phase, State, Status, pending

Fired: TypeAlias = tuple[State, tuple[Effect, ...]]


def settle_dependency(state: State) -> Fired | None:
    """Settle/dependency: a waiting call fails when a call that it names ended without result."""
    for key, waiting in _waiting(state):
        if waiting.call and (fault := dependency_fault(waiting.call, state)):
            return _fail(state, key, fault), ()
    return None


def settle_start(state: State) -> Fired | None:
    """Settle/start: a waiting call starts when all calls that it names have returned."""
    for key, waiting in _waiting(state):
        if waiting.call and is_ready(waiting.call, state):
            start = Start(key, waiting.call.function, *resolve(waiting.call, state))
            return _with_call(state, key, CallState(waiting.call, Status.RUNNING)), (start,)
    return None


def settle_drain(state: State) -> Fired | None:
    """Settle/drain: an end with interrupts to come is taken back and becomes a trap."""
    if state.phase is not Phase.ENDING or state.ending != "stop":
        return None
    if not state.queue and not pending(state):
        return None
    return replace(state, phase=Phase.TRAPPED, wait=None, woken=False), ()


def settle_deliver(state: State) -> Fired | None:
    """Settle/deliver: at a safe point all queued interrupts go in, as one batch."""
    if not state.queue or not state.is_safe_point or state.phase in {Phase.READY, Phase.ENDED}:
        return None
    return replace(state, queue=(), woken=True), (Inject(state.queue),)


def settle_wake(state: State) -> Fired | None:
    """Settle/wake: a trap ends when what it waits for has been delivered."""
    if state.phase is not Phase.TRAPPED:
        return None
    match state.wait:
        case None:
            is_over = state.woken
        case "all":
            is_over = not pending(state)
        case names:
            is_over = not set(names).intersection(pending(state))
    return (replace(state, phase=Phase.DECODING, wait=None), ()) if is_over else None


def settle_decode(state: State) -> Fired | None:
    """Settle/decode: while the session decodes, one symbol is asked for at a time."""
    if state.phase is not Phase.DECODING or state.decode_outstanding:
        return None
    return replace(state, decode_outstanding=True), (Decode(),)


def settle_finish(state: State) -> Fired | None:
    """Settle/finish: a session that is ending is over when no call runs and nothing is queued."""
    if state.phase is not Phase.ENDING or state.queue:
        return None
    if any(call.status is not Status.SETTLED for call in state.calls.values()):
        return None
    return replace(state, phase=Phase.ENDED), (Finish(state.ending),)


SETTLE_RULES: Final[tuple[Callable[[State], Fired | None], ...]] = (
    settle_dependency,
    settle_start,
    settle_drain,
    settle_deliver,
    settle_wake,
    settle_decode,
    settle_finish,
)


def _waiting(state: State) -> list[tuple[str, CallState]]:
    return [(k, call) for k, call in state.calls.items() if call.status is Status.WAITING]


def _with_call(state: State, key: str, call: CallState) -> State:
    return replace(state, calls={**state.calls, key: call})


def _fail(state: State, key: str, message: str) -> State:
    call = state.calls[key]
    outcome: Outcome = failure("dependency", message)
    after = _with_call(state, key, CallState(call.call, Status.SETTLED, outcome))
    if not call.is_identified:
        return after
    return replace(after, queue=(*after.queue, Delivery(key, outcome)))
