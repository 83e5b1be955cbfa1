"""What must hold of every row and every state (spec/3-semantics.md, section 9)."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from cml.ast import OutcomeKind
from cml.validity import references
from interpreter.events import Decode, Delivery, Effect, Inject, Row, Start
from interpreter.explore.world import LATE
from interpreter.rules.symbols import can_wake
from interpreter.state import Phase, State, Status, has_pending


class Witness(msgspec.Struct, frozen=True):
    """What has to be remembered of a run to judge it.

    Args:
        answered: Identifiers that have had their terminal interrupt.
        started: Calls that have started.
        asked: Whether a Decode effect has not been answered.
    """

    answered: frozenset[str] = frozenset()
    started: frozenset[str] = frozenset()
    asked: bool = False


def check_row(before: State, after: State, row: Row, witness: Witness) -> Iterator[str]:
    """Yield what a row does that no row may do.

    Args:
        before: The state that the rule fired in.
        after: The state that it led to.
        row: The row.
        witness: What happened before.
    """
    for effect in row.effects:
        match effect:
            case Inject(interrupts):
                yield from _check_delivery(before, interrupts, witness)
            case Start():
                yield from _check_start(before, effect, witness)
            case Decode() if witness.asked:
                yield "a symbol was asked for while one is outstanding"
            case _:
                pass
    if after.phase is Phase.ENDED and before.phase is not Phase.ENDED:
        yield from _check_end(after, witness)


def _check_delivery(
    state: State, interrupts: tuple[Delivery, ...], witness: Witness
) -> Iterator[str]:
    if state.block is not None:
        yield "an interrupt went in inside a critical section"
    if witness.asked:
        yield "an interrupt went in while a Decode was outstanding"
    if not state.boundary:
        yield "an interrupt went in inside a region, or where characters are held back"
    seen: set[str] = set(witness.answered)
    for delivery in interrupts:
        if delivery.outcome.kind is OutcomeKind.PROGRESS:
            continue
        if delivery.id in seen:
            yield f"{delivery.id} was answered twice"
        if delivery.outcome.value == LATE:
            yield f"{delivery.id} was answered with a late result"
        seen.add(delivery.id)


def _check_start(state: State, start: Start, witness: Witness) -> Iterator[str]:
    if start.call in witness.started:
        yield f"{start.call} was started twice"
    call = state.calls[start.call].call if start.call in state.calls else None
    if call is None:
        yield f"{start.call} was started, but no such call was completed"
        return
    for name in references(call):
        outcome = state.calls[name].outcome
        if outcome is None or outcome.kind is not OutcomeKind.RETURNED:
            yield f"{start.call} was started before {name}, which it needs, had returned"


def _check_end(state: State, witness: Witness) -> Iterator[str]:
    if state.ending != "stop" or state.settings.end != "drain" or not state.boundary:
        return
    for key, call in state.calls.items():
        if call.status is not Status.SETTLED:
            yield f"the session ended while {key} was not settled"
        elif call.is_identified and key not in witness.answered:
            yield f"the session ended, and {key} was never answered"


def remember(witness: Witness, row: Row) -> Witness:
    """Return what is to be remembered after a row."""
    if row.event is not None and row.rule.startswith("Step/") and _answers_decode(row):
        witness = replace(witness, asked=False)
    for effect in row.effects:
        witness = _remember_effect(witness, effect)
    return witness


def _answers_decode(row: Row) -> bool:
    return type(row.event).__name__ in {"Decoded", "Ended", "Stopped"}


def _remember_effect(witness: Witness, effect: Effect) -> Witness:
    match effect:
        case Inject(interrupts):
            terminal = {d.id for d in interrupts if d.outcome.kind is not OutcomeKind.PROGRESS}
            return replace(witness, answered=witness.answered | terminal)
        case Start(call):
            return replace(witness, started=witness.started | {call})
        case Decode():
            return replace(witness, asked=True)
        case _:
            return witness


def check_settled(state: State) -> Iterator[str]:
    """Yield what is wrong with a state in which no Settle rule applies any more."""
    for invariant in SETTLED_INVARIANTS:
        if fault := invariant(state):
            yield fault


def _lost_wake_up(state: State) -> str | None:
    if state.phase is Phase.TRAPPED and not can_wake(state, state.wait) and not state.messaged:
        return "a trap waits that nothing can wake any more"
    return None


def _delivery_missed(state: State) -> str | None:
    waits = state.phase in {Phase.TRAPPED, Phase.ENDING} and state.queue
    return "an interrupt was due at a safe point and did not go in" if waits else None


def _idle(state: State) -> str | None:
    if state.phase is Phase.DECODING and not state.decode_outstanding:
        return "the session decodes, but no symbol is asked for"
    return None


def _ready_call_waits(state: State) -> str | None:
    running = sum(call.status is Status.RUNNING for call in state.calls.values())
    if state.settings.workers and running >= state.settings.workers:
        return None
    for key, waiting in state.calls.items():
        if waiting.status is Status.WAITING and waiting.call is not None:
            outcomes = [state.calls[name].outcome for name in references(waiting.call)]
            if all(o is not None and o.kind is OutcomeKind.RETURNED for o in outcomes):
                return f"{key} could start and does not"
    return None


def _ends_for_nothing(state: State) -> str | None:
    is_draining = state.settings.end == "drain" and state.ending == "stop" and state.boundary
    if is_draining and state.phase is Phase.ENDING and has_pending(state):
        return "an end was not taken back though calls are pending"
    return None


Invariant: TypeAlias = Callable[[State], str | None]

SETTLED_INVARIANTS: Final[tuple[Invariant, ...]] = (
    _lost_wake_up,
    _delivery_missed,
    _idle,
    _ready_call_waits,
    _ends_for_nothing,
)
