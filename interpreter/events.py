"""What goes into the machine and what comes out of it (spec/3-semantics.md, sections 2 and 3).

An *event* is something that happened outside; an *effect* is something the driver has to do. Both
are plain data: they are the rows of a trace. None can come to hold itself, so the collector of garbage
need not look at them (`gc=False`): of thousands of sessions that is a good part of its work.
"""

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from cml.ast import OutcomeKind
from cml.symbols import Symbol

if TYPE_CHECKING:
    from cml.ast import Json
else:  # the reader of traces takes any JSON value here
    Json = object


EndReason: TypeAlias = Literal["stop", "length", "pending", "forged", "stopped"]
"""The model stopped; its output limit; calls were pending and the host forbids it; too many forged
interrupts; the host stopped it."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How a call ended, or what it reports on its way.

    Args:
        kind: Returned, failed, timeout, cancelled; or progress.
        value: The result; for an outcome that is no result, an object of `type` and `message`.
    """

    kind: OutcomeKind
    value: Json


def failure(kind: str, message: str, outcome: OutcomeKind = OutcomeKind.FAILED) -> Outcome:
    """Return an outcome that is no result (Syntax/outcome).

    Args:
        kind: Its `type`: a word of the specification, or the name of an error.
        message: What is wrong. Halves of surrogate pairs, as in the name of a file that is not
            UTF-8, are written as escapes.
        outcome: Failed, timeout or cancelled.
    """
    return Outcome(outcome, {"type": _whole(kind), "message": _whole(message)})


def _whole(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


# ------------------------------------------------------------------------------------- events


class Began(msgspec.Struct, frozen=True, tag="began", omit_defaults=True, gc=False):
    """Decoding may begin, or begin again for the next turn: the prompt is there, or goes in now.

    Args:
        prompt: What is asked, where the driver has the session take it; else empty.
    """

    prompt: str = ""


class Decoded(msgspec.Struct, frozen=True, tag="decoded", omit_defaults=True, gc=False):
    """The model wrote a symbol.

    Args:
        symbol: The symbol.
        boundary: Whether the context ends with it, outside every inert region: no character
            after it was decoded or is held back.
    """

    symbol: Symbol
    boundary: bool = True


class Ended(msgspec.Struct, frozen=True, tag="ended", omit_defaults=True, gc=False):
    """Decoding came to an end.

    Args:
        reason: An end token (`stop`), or the limit of the output (`length`).
        boundary: Whether the context ends outside every inert region.
    """

    reason: Literal["stop", "length"]
    boundary: bool = True


class Returned(msgspec.Struct, frozen=True, tag="returned", gc=False):
    """A started call has an outcome.

    Args:
        call: The identifier of the call, or `#n` for the n-th call of the session if it has none.
        outcome: How it ended.
    """

    call: str
    outcome: Outcome


class Expired(msgspec.Struct, frozen=True, tag="expired", gc=False):
    """The deadline of a call has come.

    Args:
        call: The key of the call.
    """

    call: str


class Said(msgspec.Struct, frozen=True, tag="said", omit_defaults=True, gc=False):
    """A person, or an agent, says something while the session runs.

    Args:
        text: What they say.
        sender: The name of the agent; empty for a person.
        hops: How many messages of agents this one follows from, one after another (Embed/hops).
    """

    text: str
    sender: str = ""
    hops: int = 0


class Stopped(msgspec.Struct, frozen=True, tag="stopped", gc=False):
    """The host ends the session now."""


Event: TypeAlias = Began | Decoded | Ended | Returned | Expired | Said | Stopped


# ------------------------------------------------------------------------------------ effects


class Decode(msgspec.Struct, frozen=True, tag="decode", gc=False):
    """Decode one more symbol."""


class Start(msgspec.Struct, frozen=True, tag="start", omit_defaults=True, gc=False):
    """Start a function in the background.

    Args:
        call: The key under which it will return.
        function: Its name, as the body writes it.
        args: Positional arguments.
        kwargs: Named arguments.
        deadline_us: When it expires, in microseconds from the beginning; None for never.
    """

    call: str
    function: str
    args: tuple[Json, ...]
    kwargs: dict[str, Json]
    deadline_us: int | None = None


class Cancel(msgspec.Struct, frozen=True, tag="cancel", gc=False):
    """Ask a running call to stop. Its first outcome counts, whichever that is."""

    call: str


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One interrupt: what the model is told of a call."""

    id: str
    outcome: Outcome


class Inject(msgspec.Struct, frozen=True, tag="inject", omit_defaults=True, gc=False):
    """Append these interrupts to the context, in order, as one batch.

    Args:
        interrupts: What goes in.
        before: What to append first: as many backslashes as the prose before ends with, so that it
            keeps its meaning directly before a marker (Syntax/escape); or a line feed.
        after: What to append after each interrupt: nothing, or a line feed.
    """

    interrupts: tuple[Delivery, ...]
    before: str = ""
    after: str = ""


class Rewind(msgspec.Struct, frozen=True, tag="rewind", gc=False):
    """Take everything that the model wrote from this offset on back out of the context."""

    offset: int


class Report(msgspec.Struct, frozen=True, tag="report", gc=False):
    """Tell the people who watch.

    Args:
        rule: What it is about: a rule of validity (`Valid/…`) where the model broke one, else the
            rule of the machine that tells it (`Step/…`).
        message: In words; free.
    """

    rule: str
    message: str


class Finish(msgspec.Struct, frozen=True, tag="finish", gc=False):
    """The turn is over; nothing more will be asked for until another one begins."""

    reason: EndReason


Effect: TypeAlias = Decode | Start | Cancel | Inject | Rewind | Report | Finish


class Row(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One firing of a rule: the unit of a trace.

    Args:
        at_us: When, in microseconds from the beginning of the session.
        rule: The rule that fired, by its name in the specification.
        event: What it fired for; None for a rule that the state alone triggers.
        effects: What the driver has to do, in order.
    """

    at_us: int
    rule: str
    event: Event | None = None
    effects: tuple[Effect, ...] = ()
