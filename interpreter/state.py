"""The state of a session (spec/3-semantics.md, section 1): immutable, and all that a rule sees.

It is not for the collector of garbage, as events are not (`gc=False`).
"""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from cml.arguments import require
from cml.ast import Call, OutcomeKind
from cml.profile import Profile
from cml.symbols import Marker
from cml.text.blocks import OpenBlock
from interpreter.errors import HostError
from interpreter.events import Delivery, EndReason, Outcome

EndPolicy: TypeAlias = Literal["drain", "detach", "cancel", "fail"]
DeliverWhen: TypeAlias = Literal["any", "word", "line", "idle"]
StartOrder: TypeAlias = Literal["program", "longest", "shortest"]
Layout: TypeAlias = Literal["inline", "lines"]
Duration: TypeAlias = Annotated[int, Meta(ge=1, le=10**13)]
"""Microseconds that something may take: from one to some 115 days."""
Wait: TypeAlias = "tuple[str, ...] | Literal['all'] | None"


class Settings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the host chose for a session; it stands in the header of its trace.

    Args:
        profile: How the context is written.
        functions: The names that the model may call; None where the host does not say.
        end: What an end of the model means for calls that are pending.
        deliver: Where, among safe points, interrupts go in.
        layout: Whether interrupts stand in the line where they go in, or each in a line of its own,
            as small models read them better.
        deadline_us: How long a call may run, in microseconds; None for as long as it likes.
        deadlines_us: The same for single functions, by name.
        workers: How many calls may run at once; 0 for any number.
        start: In which order ready calls start when workers are short.
        estimates_us: How long functions are expected to run, by name; for `start`.
        aliases: The host's own names of functions that bodies write otherwise (Embed/alias).
    """

    profile: Profile = Profile()
    functions: tuple[str, ...] | None = None
    end: EndPolicy = "drain"
    deliver: DeliverWhen = "any"
    layout: Layout = "inline"
    deadline_us: Duration | None = None
    deadlines_us: dict[str, Duration] = {}
    workers: Annotated[int, Meta(ge=0)] = 0
    start: StartOrder = "program"
    estimates_us: dict[str, Annotated[int, Meta(ge=0, le=10**13)]] = {}
    aliases: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse a profile that is none; whatever else is wrong waits for `check_settings`."""
        require(self.profile, Profile, "the profile of settings is a cml.Profile")


def check_settings(settings: Settings) -> Settings:
    """Return the settings, if a session can keep them.

    Raises:
        HostError: One is out of its bounds, the limits are too small for what the runtime itself
            has to write, or what it writes would open a region (Embed/settings).
        TypeError: They are no settings.
    """
    require(settings, Settings, "settings are interpreter.Settings")
    try:
        msgspec.convert(msgspec.to_builtins(settings), Settings)
    except msgspec.ValidationError as error:
        raise HostError("Embed/settings", f"{error} of the settings") from None
    for opening, _ in settings.profile.regions:
        if Marker.INTR.value.startswith(opening.lstrip("\\\n")):
            message = f"a region opens with {opening!r}, as an interrupt that goes in would"
            raise HostError("Embed/settings", message)
    limits = settings.profile.limits
    if limits.identifier_characters < _LEAST_IDENTIFIER:
        message = f"the limit identifier_characters of a session is at least {_LEAST_IDENTIFIER}"
        raise HostError("Embed/settings", message)
    least = _LEAST_BLOCK + limits.identifier_characters
    if limits.block_characters < least:
        message = f"the limit block_characters of a session is at least {least} with identifiers "
        raise HostError("Embed/settings", f"{message}of {limits.identifier_characters} characters")
    return settings


_LEAST_IDENTIFIER: Final = 16
_LEAST_BLOCK: Final = 80
"""What the runtime writes of itself, `[INTR] error1 failed [HEAD] {"type": …}[END]`, always fits."""


class Phase(Enum):
    """What the session as a whole is doing."""

    READY = "ready"
    DECODING = "decoding"
    TRAPPED = "trapped"
    ENDING = "ending"
    ENDED = "ended"

    __hash__ = object.__hash__  # there is one of each


class Status(Enum):
    """How far a call has come. A call is *pending* until it is settled."""

    WAITING = "waiting"  # for a worker, or for the calls that its arguments name
    RUNNING = "running"
    SETTLED = "settled"

    __hash__ = object.__hash__  # there is one of each


class CallState(msgspec.Struct, frozen=True, gc=False):
    """One call of the session.

    Args:
        order: Its place among all calls, from 1.
        call: What the model wrote; None for one that was answered with its fault at once.
        status: How far it has come.
        outcome: How it ended, once it is settled.
    """

    order: int
    call: Call | None
    status: Status
    outcome: Outcome | None = None

    @property
    def is_identified(self) -> bool:
        """Whether the model hears of its outcome."""
        return self.call is None or self.call.id is not None


class Queued(msgspec.Struct, frozen=True, order=True, gc=False):
    """An interrupt that waits for a safe point, with its place in the queue (Settle/deliver).

    Args:
        rank: 0 for a message, 1 for anything else.
        at_us: When it came to be, in microseconds.
        order: The start order of its call, for those that came at the same time.
        delivery: What will go in.
    """

    rank: int
    at_us: int
    order: int
    delivery: Delivery


NO_CALLS: Final[dict[str, CallState]] = {}
NO_MESSAGES: Final[dict[str, int]] = {}


class State(msgspec.Struct, frozen=True, gc=False):
    """Everything a session is at one moment.

    Args:
        settings: What the host chose.
        now_us: Time since the session began, in microseconds.
        phase: What the session is doing.
        decode_outstanding: Whether a symbol was asked for and has not come.
        boundary: Whether the context ends with the last symbol, outside every inert region.
        offset: Characters that the model has written.
        last: The last character of the prose at the end of the context; empty after a block. What
            is under construction does not count: where it is taken back, this is the end again.
        backslashes: How many backslashes that prose ends with; none where markers are tokens.
        opened: Where the block under construction begins.
        block: The block under construction; while there is one, no interrupt goes in.
        calls: Every call by its key, in the order in which they were written. Never changed in
            place.
        unsettled: The keys of those that wait or run, in the same order. This and the next three are
            derived from `calls`, and kept so that a token costs the same after thousands of calls
            and with hundreds of them pending.
        waiting: The keys of those of them that wait; the others run.
        failing: The keys of those that wait and can never start (Settle/dependency).
        ready: The keys of those that wait, and all calls that they name have returned.
        queue: Interrupts that wait for a safe point, in their order.
        wait: What a trapped session waits for.
        interrupted: Whether an interrupt went in since the trap.
        messaged: Whether one of them was a message.
        ending: Why the session is ending.
        errors: Protocol errors so far that have no identifier of their own.
        messages: How many messages came so far, by their sender; people have no name. Never changed
            in place.
        forged: Forged interrupts in a row.
    """

    settings: Settings = Settings()
    now_us: int = 0
    phase: Phase = Phase.READY
    decode_outstanding: bool = False
    boundary: bool = True
    offset: int = 0
    last: str = ""
    backslashes: int = 0
    opened: int = 0
    block: OpenBlock | None = None
    calls: dict[str, CallState] = NO_CALLS
    unsettled: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    queue: tuple[Queued, ...] = ()
    wait: Wait = None
    interrupted: bool = False
    messaged: bool = False
    ending: EndReason = "stop"
    errors: int = 0
    messages: dict[str, int] = NO_MESSAGES
    forged: int = 0

    @property
    def is_safe_point(self) -> bool:
        """Outside a block, no Decode outstanding, nothing held back (Syntax/critical-section)."""
        return self.block is None and not self.decode_outstanding and self.boundary


def pending(state: State) -> Iterator[str]:
    """Yield the identifiers whose terminal interrupt is still to come from outside."""
    return (key for key in state.unsettled if state.calls[key].is_identified)


def has_pending(state: State) -> bool:
    """Whether any terminal interrupt is still to come from outside."""
    return any(True for _ in pending(state))


def is_pending(state: State, identifier: str) -> bool:
    """Whether the terminal interrupt of this identifier is still to come from outside."""
    call = state.calls.get(identifier)
    return call is not None and call.is_identified and call.status is not Status.SETTLED


def running(state: State) -> int:
    """Return how many calls run."""
    return len(state.unsettled) - len(state.waiting)


def has_returned(state: State, identifier: str) -> bool:
    """Whether a call has a result that others can use."""
    call = state.calls.get(identifier)
    return bool(call and call.outcome and call.outcome.kind is OutcomeKind.RETURNED)
