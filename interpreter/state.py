"""The state of a session (spec/3-semantics.md, section 1): immutable, and all that a rule sees."""

from enum import Enum
from typing import Final, Literal, TypeAlias

import msgspec

from cml.ast import Call, OutcomeKind
from cml.blocks import OpenBlock
from cml.profile import Profile
from interpreter.events import Delivery, Outcome


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the host chose for a session; it stands in the header of its trace.

    Args:
        profile: How the context is written.
        functions: The names that the model may call; None where the host does not say.
    """

    profile: Profile = Profile()
    functions: tuple[str, ...] | None = None


class Phase(Enum):
    """What the session as a whole is doing."""

    READY = "ready"
    DECODING = "decoding"
    TRAPPED = "trapped"
    ENDING = "ending"
    ENDED = "ended"


class Status(Enum):
    """How far a call has come. A call is *pending* until it is settled."""

    WAITING = "waiting"  # for the calls that its arguments name
    RUNNING = "running"
    SETTLED = "settled"


class CallState(msgspec.Struct, frozen=True):
    """One call of the session.

    Args:
        call: What the model wrote; None for a malformed call that was answered at once.
        status: How far it has come.
        outcome: How it ended, once it is settled.
    """

    call: Call | None
    status: Status
    outcome: Outcome | None = None

    @property
    def is_identified(self) -> bool:
        """Whether the model hears of its outcome."""
        return self.call is None or self.call.id is not None


Wait: TypeAlias = "tuple[str, ...] | Literal['all'] | None"
EndReason: TypeAlias = Literal["stop", "length", "stopped", "forged"]

NO_CALLS: Final[dict[str, CallState]] = {}


class State(msgspec.Struct, frozen=True):
    """Everything a session is at one moment.

    Args:
        settings: What the host chose.
        now_us: Time since the session began, in microseconds.
        phase: What the session is doing.
        decode_outstanding: Whether a symbol was asked for and has not come.
        boundary: Whether the context ends with the last symbol, no character held back.
        offset: Characters that the model has written.
        block: The block under construction; while there is one, no interrupt goes in.
        calls: Every call by its key, in the order in which they were written. Never changed in
            place.
        queue: Interrupts that wait for a safe point, in order of completion.
        wait: What a trapped session waits for.
        woken: Whether an interrupt went in since the trap.
        ending: Why the session is ending.
        errors: Protocol errors so far that have no identifier of their own.
        forged: Forged interrupts in a row.
    """

    settings: Settings = Settings()
    now_us: int = 0
    phase: Phase = Phase.READY
    decode_outstanding: bool = False
    boundary: bool = True
    offset: int = 0
    block: OpenBlock | None = None
    calls: dict[str, CallState] = NO_CALLS
    queue: tuple[Delivery, ...] = ()
    wait: Wait = None
    woken: bool = False
    ending: EndReason = "stop"
    errors: int = 0
    forged: int = 0

    @property
    def is_safe_point(self) -> bool:
        """Outside a block, no Decode outstanding, nothing held back (Syntax/critical-section)."""
        return self.block is None and not self.decode_outstanding and self.boundary


def pending(state: State) -> tuple[str, ...]:
    """Return the identifiers whose terminal interrupt is still to come from outside."""
    return tuple(
        key
        for key, call in state.calls.items()
        if call.status is not Status.SETTLED and call.is_identified
    )


def has_returned(state: State, identifier: str) -> bool:
    """Whether a call has a result that others can use."""
    call = state.calls.get(identifier)
    return bool(call and call.outcome and call.outcome.kind is OutcomeKind.RETURNED)
