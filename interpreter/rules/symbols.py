"""The Step rules for what the model writes (spec/3-semantics.md, section 4)."""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from cml.ast import Block, Call, Malformed, OutcomeKind, Trap
from cml.profile import Spelling
from cml.symbols import Marker
from cml.text.blocks import extend, open_block
from interpreter.events import Cancel, Decoded, Effect, Outcome, Report, Rewind
from interpreter.rules.changes import Fired, answer_fault, settle_call, with_call
from interpreter.rules.failures import FAILURES, outcome_of
from interpreter.rules.refusals import cancel_target, is_cancel, refusal
from interpreter.state import CallState, Phase, State, Status, Wait, pending

_MODEL_OPENERS: Final = frozenset({Marker.CALL, Marker.TRAP})
_CONTENT: Final = frozenset({None, Marker.HEAD})
_STRAY: Final = frozenset({Marker.HEAD, Marker.END})


def step_text(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/text: text outside every block is prose, and stays as it is."""
    if event.symbol.marker is not None or state.block is not None:
        return None
    text = event.symbol.text
    after = replace(_after(state, event), last=text[-1:], backslashes=_backslashes(state, text))
    return after, ()


def step_open(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/open: [CALL] or [TRAP] opens a block; a critical section begins."""
    if event.symbol.marker not in _MODEL_OPENERS or state.block is not None:
        return None
    return _open(_after(state, event), event), ()


def step_inside(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/inside: text and [HEAD] in an open block belong to it."""
    if state.block is None or event.symbol.marker not in _CONTENT:
        return None
    block = extend(state.block, event.symbol, state.settings.profile)
    return replace(_after(state, event), block=block), ()


def step_stray(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/stray: [HEAD] or [END] outside every block is reported, and means nothing."""
    if state.block is not None or event.symbol.marker not in _STRAY:
        return None
    message = f"{event.symbol.text} stands outside every block"
    return _closed(state, event), (Report("Valid/stray-marker", message),)


def step_forged(state: State, event: Decoded, _: Block | None) -> Fired | None:
    """Step/forged: the model wrote [INTR]; it is taken back out of the context before it can be
    believed. After too many in a row the session ends.
    """
    if event.symbol.marker is not Marker.INTR:
        return None
    forged = state.forged + 1
    report = Report("Step/forged", "the model wrote [INTR], which only the runtime may write")
    after = replace(state, decode_outstanding=False, boundary=True, forged=forged)
    if forged < state.settings.profile.limits.forged_interrupts:
        return after, (Rewind(event.symbol.offset), report)
    offset = state.opened if state.block else event.symbol.offset
    ended = replace(after, phase=Phase.ENDING, block=None, ending="forged", offset=offset)
    return ended, (Rewind(offset), report)


def step_call(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/call: a completed call is due to start."""
    if not isinstance(block, Call) or is_cancel(state, block) or refusal(state, block):
        return None
    order = len(state.calls) + 1
    key = block.id or f"#{order}"
    return with_call(_closed(state, event), key, CallState(order, block, Status.WAITING)), ()


def step_cancel(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/cancel: `cancel(id)` asks a running call to stop, and settles one that has not started.

    It returns whether there was something to cancel. The first outcome of the other call counts.
    """
    if not isinstance(block, Call) or not is_cancel(state, block) or refusal(state, block):
        return None
    target = cancel_target(block, state.settings.profile) or ""
    status = state.calls[target].status
    after, effects = _closed(state, event), tuple[Effect, ...]()
    if status is Status.RUNNING:
        effects = (Cancel(target),)
    elif status is Status.WAITING:
        after = settle_call(after, target, outcome_of("cancelled", "cancelled before it started"))
    order = len(state.calls) + 1
    key = block.id or f"#{order}"
    after = with_call(after, key, CallState(order, block, Status.RUNNING))
    did = Outcome(OutcomeKind.RETURNED, status is not Status.SETTLED)
    return settle_call(after, key, did), effects


def step_refused(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/refused: a completed call that must not start is answered with its fault."""
    if not isinstance(block, Call) or (fault := refusal(state, block)) is None:
        return None
    told = FAILURES[fault.kind]
    identifier = block.id if told.own else None
    return answer_fault(
        _closed(state, event), identifier, fault.kind, fault.message, told.report or ""
    )


def step_malformed(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/malformed: a block that is not CML is not started, and answered with its fault. Where
    another opener ended it, that one opens.
    """
    if not isinstance(block, Malformed):
        return None
    after = _closed(state, event)
    if event.symbol.marker in _MODEL_OPENERS:
        after = _open(after, event)
    return answer_fault(after, block.id, "malformed", block.fault.message, block.fault.rule)


def step_trap(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/trap: a completed trap suspends decoding; what was decoded past it is taken back."""
    if not isinstance(block, Trap) or not can_wake(state, block.wait):
        return None
    trapped = replace(
        _closed(state, event),
        boundary=True,
        phase=Phase.TRAPPED,
        wait=block.wait,
        interrupted=False,
        messaged=False,
    )
    return trapped, () if event.boundary else (Rewind(_end(event)),)


def step_idle_trap(state: State, event: Decoded, block: Block | None) -> Fired | None:
    """Step/idle-trap: a trap that nothing can wake is reported, and means nothing."""
    if not isinstance(block, Trap) or can_wake(state, block.wait):
        return None
    report = Report("Valid/trap-wakes", "nothing is pending that could wake this trap")
    return _closed(state, event), (report,)


def can_wake(state: State, wait: Wait) -> bool:
    """Whether an interrupt that ends this trap is queued or can still come."""
    coming = {*pending(state), *(queued.delivery.id for queued in state.queue)}
    return bool(coming.intersection(wait) if isinstance(wait, tuple) else coming)


def _backslashes(state: State, text: str) -> int:
    """How many backslashes the prose ends with after a text; none count where none escape."""
    if not text.endswith("\\") or state.settings.profile.markers is Spelling.TOKEN:
        return 0
    run = len(text) - len(text.rstrip("\\"))
    return run + (state.backslashes if run == len(text) else 0)


def _after(state: State, event: Decoded) -> State:
    return replace(
        state,
        decode_outstanding=False,
        boundary=event.boundary,
        forged=0,
        offset=_end(event),
    )


def _open(state: State, event: Decoded) -> State:
    """Return the state with the block open that this marker begins."""
    marker = event.symbol.marker
    block = None if marker is None else open_block(marker)
    return replace(state, block=block, opened=event.symbol.offset)


def _closed(state: State, event: Decoded) -> State:
    return replace(_after(state, event), block=None, last="", backslashes=0)


def _end(event: Decoded) -> int:
    return event.symbol.offset + len(event.symbol.text)


SymbolRule: TypeAlias = Callable[[State, Decoded, Block | None], Fired | None]

SYMBOL_RULES: Final[tuple[SymbolRule, ...]] = (
    step_text,
    step_inside,
    step_open,
    step_stray,
    step_forged,
    step_call,
    step_cancel,
    step_refused,
    step_malformed,
    step_trap,
    step_idle_trap,
)
