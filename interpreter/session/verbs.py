"""The contract between a driver and a decoding model (spec/5-embedding.md).

A session is few verbs: the loop, the protocol and the calls belong to the driver. Offsets and
lengths are counted in characters of the text that the model itself has generated. What a session
can do besides it declares in `abilities`; nobody finds out by trying.
"""

from typing import Literal, Protocol

import msgspec

from cml.symbols import Marker
from interpreter.events import Delivery


class Piece(msgspec.Struct, frozen=True):
    """What one decoding step produced.

    Args:
        text: Newly completed characters; empty while a character is still incomplete.
        tokens: How many model tokens this step cost.
        partial: True while the model's context ends inside a character that `text` does not
            hold yet. Nothing may be appended at such a point.
        took_us: How long the step took, in microseconds, where the session knows it better than
            the driver's cost model or clock: a script, a recording.
        marker: The marker that this token is reserved for, where markers are tokens; `text` is
            then its characters.
    """

    text: str
    tokens: int = 1
    partial: bool = False
    took_us: int | None = None
    marker: Marker | None = None


class Batch(msgspec.Struct, frozen=True):
    """Interrupts that go into the context together.

    Args:
        text: Every character that they are in the context, and what stands between them. It is to
            be appended as it is.
        interrupts: What it tells, one by one, for a session that needs to know more than text.
    """

    text: str
    interrupts: tuple[Delivery, ...] = ()


class EndOfDecoding(msgspec.Struct, frozen=True):
    """The model wrote its end token (`stop`), or its output limit was reached (`length`).

    The end token itself is not part of the context: decoding may go on after an `append`.

    Args:
        reason: Which of the two.
    """

    reason: Literal["stop", "length"]


class Session(Protocol):
    """One model context that grows to the right, driven from one thread at a time.

    A session that can do more has an attribute `abilities`, a frozenset of `Ability`.
    """

    def decode(self) -> Piece | EndOfDecoding:
        """Decode one token and keep it in the context (Embed/decode)."""
        ...

    def append(self, batch: Batch) -> int:
        """Append interrupts to the context; return their number of tokens (Embed/append).

        The text reaches the model as ordinary content: nothing in it becomes a control token. Where
        markers are tokens, the characters of a marker in it are the token of that marker.

        Args:
            batch: What goes in together; at a safe point, where no character is only begun.
        """
        ...

    def rewind(self, characters: int) -> None:
        """Drop the last characters that the model generated (Embed/rewind).

        The next `decode` must not begin with the token that the dropped text began with.

        Args:
            characters: How many; no more than were generated since the last append.
        """
        ...

    def close(self) -> None:
        """Release the context. No verb may follow."""
        ...
