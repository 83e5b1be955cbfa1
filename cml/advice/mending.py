"""Python bodies that one small change makes a call: the change is said, and what the body is then."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from cml.advice.wording import write_calls
from cml.profile import Body, Level, Profile
from cml.text.identifiers import ascii_name
from cml.text.literals import CALL_QUOTES, blank_strings
from cml.text.valid_bodies import read_if_valid

ASCII_SIGNS: Final = "brackets, commas and the like are those of ASCII"
NO_BACKSLASHES: Final = "quotes stand without a backslash"
NO_COMMA: Final = "a comma is missing"
_QUOTES: Final = CALL_QUOTES[Body.PYTHON]
_OPENERS: Final = {")": "(", "]": "[", "}": "{"}
_CLOSERS: Final = {opener: closer for closer, opener in _OPENERS.items()}
_WIDE: Final = {
    ord(wide): narrow
    for wide, narrow in zip("（），：；＝［］｛｝　、", "(),:;=[]{} ,", strict=True)
}
_ARGUMENT: Final = r"(?=[^\W\d]\w*\s*=)"


def mended(body: str, profile: Profile) -> str | None:
    """Say which one change makes a body a call, and how it is written then; None where none does.

    Args:
        body: The body.
        profile: What a right form has to keep to.
    """
    blanked = blank_strings(body, _QUOTES)
    for said, mend in _MENDS:
        changed = mend(body, blanked)
        if changed == body or (said is _REFERENCE and profile.level is Level.CORE):
            continue
        if (call := read_if_valid(changed, profile)) is not None:
            return f"{said}; {write_calls([call], profile)}"
    return None


def _replaced(pattern: str, by: str | Callable[[re.Match[str]], str]) -> Callable[[str, str], str]:
    """Return a change of what stands outside of strings; one that finds quotes leaves all as it is."""
    compiled = re.compile(pattern)

    def replaced(body: str, blanked: str) -> str:
        return "".join(_spliced(compiled, by, body, blanked))

    return replaced


def _spliced(
    pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], body: str, blanked: str
) -> Iterator[str]:
    end = 0
    for found in pattern.finditer(blanked):
        yield body[end : found.start()]
        yield found.expand(by) if isinstance(by, str) else by(found)
        end = found.end()
    yield body[end:]


def in_ascii(body: str, blanked: str) -> str:
    """Return code in which brackets, commas and the like of other scripts are those of ASCII.

    Args:
        body: The code.
        blanked: The same with its strings blanked; they stay.
    """
    return "".join(
        was if shown == '"' else was.translate(_WIDE)
        for was, shown in zip(body, blanked, strict=True)
    )


def _without_backslashes(body: str, blanked: str) -> str:
    """Quotes that stand outside of strings with a backslash, as in a string of JSON."""
    is_outside = re.search(r"\\[\"']", blanked)
    return re.sub(r"\\([\"'\\])", r"\1", body) if is_outside else body


def _rebalanced(body: str, blanked: str) -> str:
    """Each bracket closed by its own kind."""
    characters, opened = list(body), []
    for found in re.finditer(r"[][(){}]", blanked):
        if found[0] in _CLOSERS:
            opened.append(found[0])
        elif opened:
            characters[found.start()] = _CLOSERS[opened.pop()]
    return "".join(characters)


def _with_parentheses(body: str, blanked: str) -> str:
    """Arguments behind the name of a function, in no brackets or in others."""
    bracketed = re.match(r"([A-Za-z_][\w.]*)\s*([\[{])(.*)[\]}]\Z", blanked, re.DOTALL)
    if bracketed:
        return f"{body[: bracketed.end(1)]}({body[bracketed.start(3) : bracketed.end(3)]})"
    bare = re.match(rf"([A-Za-z_][\w.]*):?\s+({_ARGUMENT}.*)", blanked, re.DOTALL)
    return f"{bare[1]}({body[bare.start(2) :]})" if bare else body


_with_names_of_ascii: Final = _replaced(
    r"\A[\w./:-]++(?=\s*+\()|(?:(?<=[(,])|(?<=[(,] ))[\w-]++(?=\s*+=)",
    lambda found: ".".join(part and ascii_name(part) for part in found[0].split(".")),
)
_REFERENCE: Final = "the result of an earlier call is named alone, in no brackets and with no sign"
_MENDS: Final[tuple[tuple[str, Callable[[str, str], str]], ...]] = (
    (ASCII_SIGNS, in_ascii),
    ("a name has the letters a to z, digits and _", _with_names_of_ascii),
    (NO_BACKSLASHES, _without_backslashes),
    ("a line break outside of a string is not written", _replaced(r"\\[nrt]", " ")),
    (NO_COMMA, _replaced(rf"(?<=[\w\"')\]}}])\s++{_ARGUMENT}", ", ")),
    (NO_COMMA, _replaced(r"(?<=[\d\"'\])}])\s++(?=[-\d\"'\[({])", ", ")),
    ("a comma stands between two values", _replaced(r",(?=\s*,)|(?<=[(\[{])\s*,", "")),
    ("a call has parentheses", _with_parentheses),
    ("a bracket is closed by its own kind", _rebalanced),
    ("write = between an argument and its value", _replaced(r"===?|:=|=>|=:", "=")),
    (
        _REFERENCE,
        _replaced(
            r"(?<=[(,=:\[{ ])(?:\$\{|\{\{|[$@])\s*([A-Za-z_]\w*)\s*\}{0,2}",
            r"\1",
        ),
    ),
    (
        "digits stand without commas",
        _replaced(
            r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d.])", lambda found: found[0].replace(",", "")
        ),
    ),
)
"""What is said of a change, and the change, given a body and the same with its strings blanked. The first that
makes a call counts, so those that are sure of what was meant stand first."""
