"""The Step rules for what happens outside the model (spec/3-semantics.md, section 5)."""

from typing import Final

from msgspec.structs import replace

from cml.ast import OutcomeKind
from cml.profile import Level
from cml.text.blocks import BlockEnd, unclosed_block
from cml.text.identifiers import message_identifier
from interpreter.events import (
    Began,
    Cancel,
    Effect,
    Ended,
    Expired,
    Finish,
    Outcome,
    Report,
    Returned,
    Rewind,
    Said,
    Stopped,
)
from interpreter.interrupts import unreadable
from interpreter.rules.changes import Fired, answer_fault, queue_interrupt, settle_call
from interpreter.rules.failures import outcome_of
from interpreter.state import Phase, State, Status


def step_begin(state: State, _: Began) -> Fired | None:
    """Step/begin: a prompt is there, decoding begins: for the first turn or a later one."""
    begun = replace(state, phase=Phase.DECODING, boundary=True, ending="stop", forged=0)
    return replace(begun, last="", backslashes=0), ()


def step_end(state: State, event: Ended) -> Fired | None:
    """Step/end: the model has come to an end outside every block; perhaps inside a region."""
    if state.block:
        return None
    return replace(_ending(state, event), boundary=event.boundary), ()


def step_truncated(state: State, event: Ended) -> Fired | None:
    """Step/truncated: the output ended inside a block; nothing is started from it, and it is taken
    back out of the context. A model that stopped of itself takes it for complete, and is told.
    """
    if state.block is None:
        return None
    message = unclosed_block(state.block, BlockEnd.TRUNCATED, state.settings.profile).message
    after = replace(_ending(state, event), block=None, offset=state.opened)
    effects: tuple[Effect, ...] = (Report("Valid/closed", message),)
    if event.reason == "stop":
        after, effects = answer_fault(after, None, "malformed", message, "Valid/closed")
    return after, (Rewind(state.opened), *effects)


def step_return(state: State, event: Returned) -> Fired | None:
    """Step/return: the first outcome of a running call settles it."""
    if not _runs(state, event.call) or event.outcome.kind is OutcomeKind.PROGRESS:
        return None
    return settle_call(state, event.call, event.outcome), ()


def step_progress(state: State, event: Returned) -> Fired | None:
    """Step/progress: what a running call reports on its way is queued; the call goes on. What
    cannot be told is reported instead.
    """
    if not _runs(state, event.call) or event.outcome.kind is not OutcomeKind.PROGRESS:
        return None
    call, profile = state.calls[event.call], state.settings.profile
    if not call.is_identified or profile.level is not Level.EXTENDED:
        return state, ()
    if fault := unreadable(event.call, event.outcome, profile):
        return state, (Report("Step/progress", f"the progress cannot be told: {fault}"),)
    return queue_interrupt(state, event.call, event.outcome, call.order), ()


def step_late(state: State, event: Returned) -> Fired | None:
    """Step/late: an outcome of a call that is settled already is recorded, and never shown."""
    if _runs(state, event.call):
        return None
    return state, (Report("Step/late", f"{event.call} was settled before"),)


def step_timeout(state: State, event: Expired) -> Fired | None:
    """Step/timeout: a call that still runs at its deadline is settled, and asked to stop."""
    if not _runs(state, event.call):
        return None
    outcome = outcome_of("timeout", "the call ran past its deadline")
    return settle_call(state, event.call, outcome), (Cancel(event.call),)


def step_met(state: State, event: Expired) -> Fired | None:
    """Step/met: the deadline of a call that is settled already means nothing."""
    return None if _runs(state, event.call) else (state, ())


def step_message(state: State, event: Said) -> Fired | None:
    """Step/message: what a person or an agent says becomes an interrupt, ahead of all results."""
    number = state.messages.get(event.sender, 0) + 1
    order = sum(state.messages.values()) + 1
    outcome = Outcome(OutcomeKind.RETURNED, event.text)
    identifier = message_identifier(event.sender, number)
    after = queue_interrupt(state, identifier, outcome, order, rank=0)
    return replace(after, messages={**state.messages, event.sender: number}), ()


def step_stop(state: State, _: Stopped) -> Fired | None:
    """Step/stop: the host ends the turn; what runs is asked to stop, nothing more goes in before a
    further turn, and what the model was writing is taken back: the block under construction, or what
    no row names.
    """
    written = state.offset if state.block is None else state.opened
    taken_back = (Rewind(written),) if state.phase is Phase.DECODING else ()
    running = [key for key in state.unsettled if key not in state.waiting]
    for key in state.unsettled:
        state = settle_call(state, key, outcome_of("cancelled", "the turn was stopped"))
    after = replace(
        state,
        phase=Phase.ENDED,
        decode_outstanding=False,
        block=None,
        offset=written,
        ending="stopped",
    )
    return after, (*map(Cancel, running), *taken_back, Finish("stopped"))


def _runs(state: State, key: str) -> bool:
    return state.calls[key].status is Status.RUNNING


def _ending(state: State, event: Ended) -> State:
    return replace(
        state, decode_outstanding=False, boundary=True, phase=Phase.ENDING, ending=event.reason
    )


BEGIN_RULES: Final = (step_begin,)
END_RULES: Final = (step_end, step_truncated)
RETURN_RULES: Final = (step_return, step_progress, step_late)
DEADLINE_RULES: Final = (step_timeout, step_met)
MESSAGE_RULES: Final = (step_message,)
STOP_RULES: Final = (step_stop,)
