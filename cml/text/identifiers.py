"""Identifiers: what is one, and which of them a call may not have (spec/1-syntax.md, section 5)."""

import re
from typing import Final

from cml.profile import Profile
from cml.symbols import MARKER_NAMES

JSON_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
"""The constants as JSON spells them. In a Python body they are read, and a lint says so."""

CONSTANTS: Final[dict[str, bool | None]] = {
    "True": True,
    "False": False,
    "None": None,
    **JSON_CONSTANTS,
}
"""The reserved words that are values in Python bodies."""

NO_VALUES: Final = MARKER_NAMES | CONSTANTS.keys()
"""The reserved words that no reference names (Syntax/reference)."""

_RESERVED_WORDS: Final = NO_VALUES | {"all"}
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RUNTIME_IDENTIFIER: Final = re.compile(r"(?:user|error)[0-9]+")


def identifier_fault(name: str, profile: Profile) -> str | None:
    """Return why a name is no identifier, or None (Syntax/identifier)."""
    if not _IDENTIFIER.fullmatch(name):
        return f"{_shorten(name)!r} is not an identifier"
    if len(name) > profile.limits.identifier_characters:
        return f"the identifier is longer than {profile.limits.identifier_characters} characters"
    return None


def identifier_for(text: str, profile: Profile) -> str:
    """Return an identifier that is spelled nearly like a text, and is not reserved."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")[: profile.limits.identifier_characters]
    if not _IDENTIFIER.fullmatch(name):
        name = f"call_{name}"[: profile.limits.identifier_characters].rstrip("_")
    return "call1" if reserved_fault(name) else name


def reserved_fault(name: str) -> str | None:
    """Return why a call may not have an identifier, or None (Syntax/reserved)."""
    if name in _RESERVED_WORDS:
        return f"{name} is a reserved word"
    return f"{name} is an identifier of the runtime" if is_runtime_identifier(name) else None


def is_runtime_identifier(name: str) -> bool:
    """Whether an identifier belongs to people's messages or to protocol errors."""
    return bool(_RUNTIME_IDENTIFIER.fullmatch(name))


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
