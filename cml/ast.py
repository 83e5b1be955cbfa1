"""The tree of a context: text and blocks, in order (spec/1-syntax.md, section 4).

Two contexts are equal when they mean the same: where a block stood, and how its body was spelled,
do not count.
"""

from enum import Enum
from typing import ClassVar, Final, Literal, TypeAlias

import msgspec

from cml.diagnostics import Diagnostic, Span

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Reference(msgspec.Struct, frozen=True, gc=False):
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


_SPELLING: Final = frozenset({"body", "span", "fault", "diagnostics"})
"""Where something stands and how it is written: no part of what it means."""


class _Node(msgspec.Struct, frozen=True):
    """A part of a tree; two are equal when they mean the same."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Node) and self._meaning() == other._meaning()

    def __hash__(self) -> int:
        return hash(self._meaning())

    def _meaning(self) -> tuple[object, ...]:
        means = (name for name in self.__struct_fields__ if name not in _SPELLING)
        return type(self), *(getattr(self, name) for name in means)


class Text(_Node, frozen=True):
    """Prose, verbatim, with its escapes undone.

    Args:
        text: Its characters.
        span: Where it stands.
    """

    kind: ClassVar[Literal["text"]] = "text"
    text: str
    span: Span = Span()


class Call(_Node, frozen=True):
    """A request to start a function in the background.

    Args:
        id: Its identifier, or None: then nobody hears of it again.
        function: Dotted name of the function.
        args: Positional arguments.
        kwargs: Named arguments.
        body: The body as it was written.
        span: Where the block stands.
    """

    kind: ClassVar[Literal["call"]] = "call"
    id: str | None
    function: str
    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = {}
    body: str = ""
    span: Span = Span()


class Interrupt(_Node, frozen=True):
    """What the runtime tells the model of a call.

    Args:
        id: The identifier of the call; of a message or a protocol error, the runtime's own.
        outcome: What became of it (Syntax/outcome).
        value: What it returned; for any other outcome what is told of that, as JSON.
        span: Where it stands.
    """

    kind: ClassVar[Literal["interrupt"]] = "interrupt"
    id: str
    outcome: OutcomeKind
    value: Json
    span: Span = Span()


class Trap(_Node, frozen=True):
    """The model waits.

    Args:
        wait: For the next interrupt (None), for these calls, or for all that are pending.
        span: Where it stands.
    """

    kind: ClassVar[Literal["trap"]] = "trap"
    wait: tuple[str, ...] | Literal["all"] | None = None
    span: Span = Span()


class Malformed(_Node, frozen=True):
    """A block, or a stray marker, that is not CML; kept verbatim.

    Args:
        id: The identifier of a malformed call, where it can be read.
        source: Its characters.
        fault: What is wrong, by which rule, where.
        span: Where it stands.
        markers: Where in the source each reserved token stands, in characters; none in the text
            profile, whose source says it (Syntax/canonical-tokens).
    """

    kind: ClassVar[Literal["malformed"]] = "malformed"
    id: str | None
    source: str
    fault: Diagnostic
    span: Span = Span()
    markers: tuple[int, ...] = ()


Block: TypeAlias = Call | Interrupt | Trap | Malformed
Item: TypeAlias = Text | Block


class Context(_Node, frozen=True):
    """A whole context.

    Args:
        items: Text and blocks in order; no text is empty and no two texts are neighbours.
        diagnostics: What is malformed in it.
    """

    items: tuple[Item, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
