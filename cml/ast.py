"""The tree of a context: text and blocks, in order (spec/1-syntax.md, section 4).

Two contexts are equal when they mean the same: where a block stood, and how its body was spelled,
do not count.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

import msgspec

from cml.diagnostics import Diagnostic, Span

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Reference(msgspec.Struct, frozen=True):
    """A future: the value that an earlier call will return (Syntax/reference).

    Args:
        ref: Identifier of the earlier call.
        path: Constant subscripts, applied from left to right.
    """

    ref: str = msgspec.field(name="$ref")
    path: tuple[str | int, ...] = ()


Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | Reference | None"


class OutcomeKind(Enum):
    """How a call ended; `PROGRESS` is the one that does not end it (Syntax/outcome)."""

    RETURNED = "returned"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    PROGRESS = "progress"

    __hash__ = object.__hash__  # there is one of each


@dataclass(frozen=True, slots=True)
class Text:
    """Prose, verbatim, with its escapes undone."""

    kind: Literal["text"] = field(default="text", init=False)
    text: str
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A request to start a function in the background.

    Args:
        id: Its identifier, or None: then nobody hears of it again.
        function: Dotted name of the function.
        args: Positional arguments.
        kwargs: Named arguments.
        body: The body as it was written.
        span: Where the block stands.
    """

    kind: Literal["call"] = field(default="call", init=False)
    id: str | None
    function: str
    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = field(default_factory=dict)
    body: str = field(default="", compare=False)
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Interrupt:
    """What the runtime tells the model of a call."""

    kind: Literal["interrupt"] = field(default="interrupt", init=False)
    id: str
    outcome: OutcomeKind
    value: Json
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Trap:
    """The model waits: for the next interrupt (None), for these calls, or for all."""

    kind: Literal["trap"] = field(default="trap", init=False)
    wait: tuple[str, ...] | Literal["all"] | None = None
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A block, or a stray marker, that is not CML; kept verbatim.

    Args:
        id: The identifier of a malformed call, where it can be read.
        source: Its characters.
        fault: What is wrong, by which rule, where.
        span: Where it stands.
        markers: Where in the source each reserved token stands, in characters; none in the text
            profile, whose source says it (Syntax/canonical-tokens).
    """

    kind: Literal["malformed"] = field(default="malformed", init=False)
    id: str | None
    source: str
    fault: Diagnostic = field(compare=False)
    span: Span = field(default=Span(), compare=False)
    markers: tuple[int, ...] = ()


Block: TypeAlias = Call | Interrupt | Trap | Malformed
Item: TypeAlias = Text | Block


@dataclass(frozen=True, slots=True)
class Context:
    """A whole context.

    Args:
        items: Text and blocks in order; no text is empty and no two texts are neighbours.
        diagnostics: What is malformed in it.
    """

    items: tuple[Item, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=(), compare=False)
