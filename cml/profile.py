"""Profiles: how one context is spelled, and the limits it keeps (spec/1-syntax.md, section 1)."""

from enum import Enum

import msgspec


class Body(Enum):
    """The language of call bodies; one for a whole context (Syntax/body-language)."""

    PYTHON = "python"
    JSON = "json"


class Level(Enum):
    """A level of conformance; each contains the one before it (Syntax/level)."""

    CORE = "core"
    FUTURES = "futures"
    EXTENDED = "extended"


class Limits(msgspec.Struct, frozen=True):
    """Bounds on what a model may write, each with its diagnostic (Valid/limit).

    Args:
        block_characters: Longest content of one block, in characters.
        nesting: Deepest nesting of brackets in a body.
        digits: Longest number literal, in characters.
        identifier_characters: Longest identifier, in characters.
        forged_interrupts: Forged interrupts in a row before a session is ended.
    """

    block_characters: int = 65_536
    nesting: int = 64
    digits: int = 400
    identifier_characters: int = 64
    forged_interrupts: int = 16


class Profile(msgspec.Struct, frozen=True):
    """How a context is written: body language, level and limits.

    Args:
        body: Language of call bodies.
        level: Highest level of conformance that is accepted.
        limits: Bounds on blocks and bodies.
    """

    body: Body = Body.PYTHON
    level: Level = Level.EXTENDED
    limits: Limits = Limits()
