"""Identifiers: what is one, and which of them a call may not have (spec/1-syntax.md, section 5)."""

import re
import unicodedata
from typing import Final

from cml.profile import Profile
from cml.symbols import MARKER_NAMES
from cml.wording import counted

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
_AGENT: Final = r"[A-Za-z_](?:[A-Za-z0-9_]*[A-Za-z_])?"
_AGENT_NAME: Final = re.compile(_AGENT)
_MESSAGE_IDENTIFIER: Final = re.compile(rf"(?:user|agent_{_AGENT})[0-9]+")
_ERROR_IDENTIFIER: Final = re.compile(r"error[0-9]+")


def identifier_fault(name: str, profile: Profile) -> str | None:
    """Return why a name is no identifier, or None (Syntax/identifier)."""
    if not _IDENTIFIER.fullmatch(name):
        return f"{_shorten(name)!r} is not an identifier"
    if len(name) > profile.limits.identifier_characters:
        return f"the identifier is longer than {counted(profile.limits.identifier_characters, 'character')}"
    return None


def identifier_for(text: str, profile: Profile) -> str:
    """Return an identifier that is spelled nearly like a text, and is not reserved."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")[: profile.limits.identifier_characters]
    if not _IDENTIFIER.fullmatch(name):
        name = f"call_{name}"[: profile.limits.identifier_characters].rstrip("_")
    return "call1" if reserved_fault(name) else name


def ascii_name(text: str) -> str:
    """Return the name that a body can spell and that is spelled nearly like a text: without accents, `_` for
    each character that cannot stand, and `_` before a digit.
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    name = re.sub(r"[^A-Za-z0-9_]", "_", bare.replace("ß", "ss"))
    return name if _IDENTIFIER.fullmatch(name) else f"_{name}"


def reserved_fault(name: str) -> str | None:
    """Return why a call may not have an identifier, or None (Syntax/reserved)."""
    if name in _RESERVED_WORDS:
        return f"{name} is a reserved word"
    return f"{name} is an identifier of the runtime" if is_runtime_identifier(name) else None


def is_message_identifier(name: str) -> bool:
    """Whether an identifier is that of a message, of a person or of an agent."""
    return bool(_MESSAGE_IDENTIFIER.fullmatch(name))


def is_error_identifier(name: str) -> bool:
    """Whether an identifier is that of a protocol error (Syntax/error-identifier)."""
    return bool(_ERROR_IDENTIFIER.fullmatch(name))


def is_runtime_identifier(name: str) -> bool:
    """Whether an identifier belongs to messages or to protocol errors."""
    return is_message_identifier(name) or is_error_identifier(name)


def message_identifier(sender: str, number: int) -> str:
    """Return the identifier of a message (Syntax/message-identifier).

    Args:
        sender: The name of the agent that wrote it; empty for people.
        number: Its place among the messages of this sender, from 1.
    """
    return f"agent_{sender}{number}" if sender else f"user{number}"


def agent_fault(name: str) -> str | None:
    """Return why a name is none of an agent, or None (Syntax/message-identifier)."""
    if _AGENT_NAME.fullmatch(name):
        return None
    shape = "an ASCII letter or _, then letters, digits and _, and no digit at the end"
    return f"{_shorten(name)!r} is no name of an agent: {shape}"


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
