"""Profiles: how one context is spelled, and the limits it keeps (spec/1-syntax.md, section 1)."""

from enum import Enum
from typing import Final

import msgspec


class Body(Enum):
    """The language of call bodies; one for a whole context (Syntax/body-language)."""

    PYTHON = "python"
    JSON = "json"

    __hash__ = object.__hash__  # there is one of each


class Spelling(Enum):
    """How markers are spelled: as five strings, or as five reserved tokens (Syntax/spelling)."""

    TEXT = "text"
    TOKEN = "token"  # noqa: S105


class Level(Enum):
    """A level of conformance; each contains the one before it (Syntax/level)."""

    CORE = "core"
    FUTURES = "futures"
    EXTENDED = "extended"


_HIGHEST: Final = {
    "block_characters": 1_048_576,
    "nesting": 128,
    "digits": 4_000,
    "identifier_characters": 1_024,
}


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on what a model may write, each with its diagnostic (Valid/limit).

    Args:
        block_characters: Longest block, its markers included, in characters.
        nesting: Deepest nesting of brackets in a body.
        digits: Longest number literal, in characters.
        identifier_characters: Longest identifier, in characters.
        calls: Calls of one session.
        pending_calls: Calls of one session that wait or run at the same time.
        forged_interrupts: Forged interrupts in a row before a session is ended.
        progress_reports: Interrupts of progress that a model is told of one call.
        agent_hops: Messages of agents that may follow from each other, the first included.
        agent_messages: Messages that an agent may send in one turn.
    """

    block_characters: int = 65_536
    nesting: int = 64
    digits: int = 400
    identifier_characters: int = 64
    calls: int = 10_000
    pending_calls: int = 256
    forged_interrupts: int = 16
    progress_reports: int = 16
    agent_hops: int = 16
    agent_messages: int = 16

    def __post_init__(self) -> None:
        """Keep the limits within what every implementation can do (Syntax/limits)."""
        for name, highest in _HIGHEST.items():
            if not 1 <= getattr(self, name) <= highest:
                raise ValueError(f"the limit {name} is between 1 and {highest}")
        for name in ("calls", "pending_calls", "forged_interrupts", "agent_hops"):
            if getattr(self, name) < 1:
                raise ValueError(f"the limit {name} is at least 1")


_PARTS: Final = {"body": Body, "level": Level, "limits": Limits, "markers": Spelling}


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a context is written: body language, level, limits and markers.

    Args:
        body: Language of call bodies.
        level: Highest level of conformance that is accepted.
        limits: Bounds on blocks and bodies.
        markers: How markers are spelled.
        regions: What opens and what closes an inert region, in pairs; the think tags of a model
            that reasons, for one. A region that is not named is ordinary prose, and active.
    """

    body: Body = Body.PYTHON
    level: Level = Level.EXTENDED
    limits: Limits = Limits()
    markers: Spelling = Spelling.TEXT
    regions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no part of a profile, and tags that could not be told from nothing."""
        for name, kind in _PARTS.items():
            if not isinstance(part := getattr(self, name), kind):
                raise TypeError(
                    f"{name} of a profile is a cml.profile.{kind.__name__}, not {part!r}"
                )
        if not all(opening and closing for opening, closing in self.regions):
            raise ValueError("what opens and what closes a region is not empty")
