"""What a mask did to what a model wrote: a mask that changes much is a crutch, not a guard."""

from typing import Protocol, runtime_checkable

import msgspec

from interpreter.session import Session


class Guarded(msgspec.Struct, frozen=True):
    """What the mask did to one turn.

    Args:
        tokens: How many tokens the model wrote here: those of a session that was gone on with are not
            known.
        changed: In place of how many of them the model would have written one that was forbidden.
        forced: How many were the only ones that were allowed, so that the model was not asked.
    """

    tokens: int
    changed: int
    forced: int


@runtime_checkable
class GuardedSession(Protocol):
    """A session that may have a mask."""

    @property
    def guarded(self) -> Guarded | None:
        """What the mask did to this turn; None where there is none."""
        ...


def guarded(session: Session) -> Guarded | None:
    """Return what the mask did to the turn of a session so far; None where there is no mask."""
    return session.guarded if isinstance(session, GuardedSession) else None
