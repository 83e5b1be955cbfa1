"""The Step rules: what one event does to the state (spec/3-semantics.md, section 4).

Each rule is a function with the specification's name. It returns None where it does not apply;
for each event exactly one applies.
"""

from typing import Final, TypeAlias

from msgspec.structs import replace

from cml.ast import Block, Call, Malformed, OutcomeKind, Trap
from cml.blocks import extend, open_block, reserved_fault
from cml.symbols import Marker
from cml.validity import references
from interpreter.events import (
    Began,
    Cancel,
    Decoded,
    Delivery,
    Effect,
    Ended,
    Finish,
    Outcome,
    Report,
    Returned,
    Rewind,
    Start,
    Stopped,
    failure,
)
from interpreter.futures import resolve
from interpreter.state import CallState, Phase, State, Status, Wait, pending

Fired: TypeAlias = tuple[State, tuple[Effect, ...]]

_MODEL_OPENERS: Final = frozenset({Marker.CALL, Marker.TRAP})


# ------------------------------------------------------------------------- symbols of the model


def step_text(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/text: text outside every block is prose, and stays as it is."""
    if event.symbol.marker is not None or state.block is not None:
        return None
    return _after(state, event), ()


def step_open(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/open: [CALL] or [TRAP] opens a block; a critical section begins."""
    if event.symbol.marker not in _MODEL_OPENERS or state.block is not None:
        return None
    return replace(_after(state, event), block=open_block(event.symbol.marker)), ()


def step_inside(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/inside: text and [HEAD] in an open block belong to it."""
    if state.block is None or event.symbol.marker not in {None, Marker.HEAD}:
        return None
    return replace(
        _after(state, event), block=extend(state.block, event.symbol, state.settings.profile)
    ), ()


def step_stray(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/stray: [HEAD] or [END] outside every block is reported, and means nothing."""
    if state.block is not None or event.symbol.marker not in {Marker.HEAD, Marker.END}:
        return None
    message = f"{event.symbol.text} stands outside every block"
    return _after(state, event), (Report("Valid/stray-marker", message),)


def step_forged(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/forged: the model wrote [INTR]; it is taken back out of the context before it can be
    believed. After too many in a row the session ends.
    """
    if event.symbol.marker is not Marker.INTR:
        return None
    forged = state.forged + 1
    after = replace(state, decode_outstanding=False, boundary=True, forged=forged)
    effects = (
        Rewind(event.symbol.offset),
        Report("Step/forged", "the model wrote [INTR], which only the runtime may write"),
    )
    if forged >= state.settings.profile.limits.forged_interrupts:
        after = replace(after, phase=Phase.ENDING, block=None, ending="forged")
    return after, effects


def step_call(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/call: a completed call starts, or waits for the calls that its arguments name."""
    if (
        not isinstance(block, Call)
        or event.symbol.marker is not Marker.END
        or refusal(state, block)
    ):
        return None
    after = replace(_after(state, event), block=None)
    key = block.id or f"#{len(state.calls) + 1}"
    if references(block):
        return _with_call(after, key, CallState(block, Status.WAITING)), ()
    start = Start(key, block.function, *resolve(block, state))
    return _with_call(after, key, CallState(block, Status.RUNNING)), (start,)


def step_refused(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/refused: a completed call that must not start is answered with its fault."""
    if not isinstance(block, Call) or event.symbol.marker is not Marker.END:
        return None
    fault = refusal(state, block)
    if fault is None:
        return None
    identifier = None if block.id is None or reserved_fault(block.id) else block.id
    after = replace(_after(state, event), block=None)
    return _answer_fault(after, identifier, *fault)


def step_malformed(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/malformed: a block that is not CML is not started, and answered with its fault. Where
    another opener ended it, that one opens.
    """
    if not isinstance(block, Malformed):
        return None
    marker = event.symbol.marker
    opened = open_block(marker) if marker in _MODEL_OPENERS else None
    after = replace(_after(state, event), block=opened)
    return _answer_fault(after, block.id, "malformed", block.fault.message, block.fault.rule)


def step_trap(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/trap: a completed trap suspends decoding; what was decoded past it is taken back."""
    if not isinstance(block, Trap) or not can_wake(state, block.wait):
        return None
    after = replace(
        _after(state, event),
        block=None,
        boundary=True,
        phase=Phase.TRAPPED,
        wait=block.wait,
        woken=False,
    )
    return after, () if event.boundary else (Rewind(_end(event)),)


def step_idle_trap(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/idle-trap: a trap that nothing can wake is reported, and means nothing."""
    if not isinstance(block, Trap) or can_wake(state, block.wait):
        return None
    report = Report("Valid/trap-wakes", "nothing is pending that could wake this trap")
    return replace(_after(state, event), block=None), (report,)


# ----------------------------------------------------------------------------------- other events


def step_begin(state: State, _: Began) -> Fired | None:
    """Step/begin: the prompt is there, decoding begins."""
    return replace(state, phase=Phase.DECODING), ()


def step_end(state: State, event: Ended) -> Fired | None:
    """Step/end: the model has come to an end outside every block."""
    if state.block is not None:
        return None
    return _ending(state, event), ()


def step_truncated(state: State, event: Ended) -> Fired | None:
    """Step/truncated: the output ended inside a block; nothing is started from it."""
    if state.block is None:
        return None
    message = f"the output ended ({event.reason}) inside a {state.block.opener.value} block"
    return replace(_ending(state, event), block=None), (Report("Valid/closed", message),)


def step_return(state: State, event: Returned) -> Fired | None:
    """Step/return: the first outcome of a running call settles it, and queues its interrupt if it
    has an identifier.
    """
    call = state.calls[event.call]
    if not _is_awaited(state, event) or event.outcome.kind is OutcomeKind.PROGRESS:
        return None
    settled = CallState(call.call, Status.SETTLED, event.outcome)
    after = _with_call(state, event.call, settled)
    if call.is_identified:
        after = replace(after, queue=(*after.queue, Delivery(event.call, event.outcome)))
    return after, ()


def step_progress(state: State, event: Returned) -> Fired | None:
    """Step/progress: what a running call reports on its way is queued; the call goes on."""
    if not _is_awaited(state, event) or event.outcome.kind is not OutcomeKind.PROGRESS:
        return None
    if not state.calls[event.call].is_identified:
        return state, ()
    return replace(state, queue=(*state.queue, Delivery(event.call, event.outcome))), ()


def step_late(state: State, event: Returned) -> Fired | None:
    """Step/late: an outcome of a call that is settled already is recorded, and never shown."""
    if _is_awaited(state, event):
        return None
    return state, (Report("Step/late", f"{event.call} was settled before"),)


def step_stop(state: State, _: Stopped) -> Fired | None:
    """Step/stop: the host ends the session; calls that run are asked to stop."""
    running = [key for key, call in state.calls.items() if call.status is Status.RUNNING]
    after = replace(state, phase=Phase.ENDED, decode_outstanding=False, ending="stopped")
    return after, (*(Cancel(key) for key in running), Finish("stopped"))


# ------------------------------------------------------------------------------------ shared parts


def refusal(state: State, call: Call) -> tuple[str, str, str] | None:
    """Return why a call must not start, as type, message and rule; None if it may."""
    if call.id is not None:
        if fault := reserved_fault(call.id):
            return "reserved_identifier", fault, "Valid/reserved-identifier"
        if call.id in state.calls:
            message = f"the identifier {call.id} was used before; choose a new one"
            return "duplicate_identifier", message, "Valid/unique-identifier"
    functions = state.settings.functions
    if functions is not None and call.function not in functions:
        message = f"there is no function {call.function}; there are: {', '.join(functions)}"
        return "unknown_function", message, "Valid/known-function"
    unknown = [name for name in references(call) if name not in state.calls]
    if unknown:
        message = f"no earlier call has the identifier {', '.join(unknown)}"
        return "unknown_identifier", message, "Valid/known-identifier"
    return None


def can_wake(state: State, wait: Wait) -> bool:
    """Whether an interrupt that ends this trap is queued or can still come."""
    coming = {*pending(state), *(delivery.id for delivery in state.queue)}
    return bool(coming.intersection(wait) if isinstance(wait, tuple) else coming)


def _is_awaited(state: State, event: Returned) -> bool:
    running = state.calls[event.call].status is Status.RUNNING
    return running and state.phase is not Phase.ENDED


def _after(state: State, event: Decoded) -> State:
    return replace(
        state, decode_outstanding=False, boundary=event.boundary, forged=0, offset=_end(event)
    )


def _end(event: Decoded) -> int:
    return event.symbol.offset + len(event.symbol.text)


def _with_call(state: State, key: str, call: CallState) -> State:
    return replace(state, calls={**state.calls, key: call})


def _ending(state: State, event: Ended) -> State:
    return replace(
        state, decode_outstanding=False, boundary=True, phase=Phase.ENDING, ending=event.reason
    )


def _answer_fault(
    state: State, identifier: str | None, kind: str, message: str, rule: str
) -> Fired:
    """Settle a faulty call at once, under its identifier if that is readable and new, else as the
    next protocol error (Syntax/error-identifier).
    """
    outcome: Outcome = failure(kind, message, OutcomeKind.FAILED)
    report = Report(rule, message)
    if identifier is not None and identifier not in state.calls:
        settled = CallState(None, Status.SETTLED, outcome)
        state = _with_call(state, identifier, settled)
    else:
        identifier = f"error{state.errors + 1}"
        state = replace(state, errors=state.errors + 1)
    return replace(state, queue=(*state.queue, Delivery(identifier, outcome))), (report,)
