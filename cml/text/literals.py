"""Literals of bodies: strings and numbers, in Python bodies (spec/1-syntax.md, section 6).

Values are those of JSON in both body languages: a string is a sequence of Unicode scalar values,
an integer has any size within the limits, a float is finite.
"""

import math
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from cml.profile import Body, Limits
from cml.symbols import MARKER_PATTERN
from cml.wording import counted

_ESCAPES: Final = {
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_ESCAPE: Final = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([xuUN])|(.))"
)
_BASES: Final = {"x": 16, "o": 8, "b": 2}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MARKER: Final = re.compile(MARKER_PATTERN)
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PYTHON_NAMES: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


_QUOTES: Final = frozenset("\"'")
_PREFIXES: Final = frozenset("rRuU")
_TRIPLE: Final = frozenset({'"""', "'''"})


# The characters that open a string literal in calls, and in the values of interrupts.
CALL_QUOTES: Final = {Body.PYTHON: "\"'", Body.JSON: '"'}
VALUE_QUOTES: Final = '"'
# A string opens at a quote that stands where a value may stand: white space aside, after nothing, a
# bracket, a comma, a colon, an equals sign, a marker or another string; a prefix may come between.
# One that is broken off by the end of its line opens none after it (Syntax/string).
SPACE: Final = r"[ \t\r\n]*+"
PREFIX: Final = "[rRuU]"


def string_patterns(quotes: str, ends: str = "[\\r\\n]") -> tuple[str, str]:
    """Return the patterns of a string that is closed, and of one that is broken off by what `ends`."""
    inside = {q: rf"{q}[^{q}\\\r\n]*+(?:\\[^\r\n][^{q}\\\r\n]*+)*+" for q in quotes}
    closed = "|".join(rf"{begun}{q}" for q, begun in inside.items())
    broken = "|".join(rf"{begun}\\?+(?={ends})" for begun in inside.values())
    return f"(?:{closed})", f"(?:{broken})"


class StringAt(NamedTuple):
    """Where a string literal stands in code, and whether it is closed on its line."""

    begin: int
    end: int
    is_closed: bool


def _blanking(quotes: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds the places of strings, and in such a place the strings: the last may not end."""
    closed, broken = string_patterns(quotes, r"[\r\n]|\Z")
    string = f"(?:(?P<closed>{closed})|{broken})"
    place = rf"(?:\A|{MARKER_PATTERN}|[\[({{,:=]){SPACE}(?:{PREFIX}?+{closed}{SPACE})*+"
    return re.compile(rf"{place}(?:{PREFIX}?+{string})?+"), re.compile(string)


_STRINGS: Final = {quotes: _blanking(quotes) for quotes in CALL_QUOTES.values()}


def blank_strings(code: str, quotes: str) -> str:
    """Return code of the same length in which its string literals consist of quotes only.

    Args:
        code: The code, from where a string may stand.
        quotes: The characters that open a string in it; none where there are no strings.
    """
    if not quotes:
        return code
    places, strings = _STRINGS[quotes]
    return places.sub(lambda place: strings.sub(_blank, place[0]), code)


def strings(code: str, quotes: str) -> Iterator[StringAt]:
    """Yield the string literals of code, in order; the parameters are those of `blank_strings`."""
    if not quotes:
        return
    places, found = _STRINGS[quotes]
    for place in places.finditer(code):
        for string in found.finditer(code, *place.span()):
            yield StringAt(string.start(), string.end(), string.lastgroup == "closed")


def _blank(string: re.Match[str]) -> str:
    return '"' * len(string[0])


class LiteralError(ValueError):
    """A literal that has no value; the message says why."""


class LimitError(LiteralError):
    """A literal that is longer than the profile allows."""


def read_python_string(literal: str) -> str:
    """Return the value of a one-line Python string literal: in one quote or three, perhaps with one
    of the prefixes `r` and `u`.

    As in Python, a backslash before a character that it does not escape stands for itself. Unlike
    there, two `u` escapes of a surrogate pair are one character, as in JSON.

    Raises:
        LiteralError: An escape is cut short, or names no Unicode scalar value.
    """
    quote = literal[0]
    if "\\" not in literal and quote in _QUOTES and literal[1] != quote:  # as most are
        return scalar_values(literal[1:-1])
    prefix, quoted = (literal[0], literal[1:]) if literal[0] in _PREFIXES else ("", literal)
    quotes = 3 if quoted[:3] in _TRIPLE else 1
    content = quoted[quotes:-quotes]
    if "\\" in content and prefix not in {"r", "R"}:
        content = _ESCAPE.sub(_unescape, content)
    return scalar_values(content)


def _unescape(match: re.Match[str]) -> str:
    pair, octal, short = match[1], match[5], match[6]
    if pair:
        high, low = int(pair[:4], 16), int(pair[-4:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if hexadecimal := match[2] or match[3] or match[4]:
        code = int(hexadecimal, 16)
        if code > 0x10FFFF:
            raise LiteralError(f"{match[0]} is beyond the last character, \\U0010ffff")
        return chr(code)
    if octal:
        return chr(int(octal, 8))
    if short == "N":
        raise LiteralError("\\N names a character; write the character, or \\u and its code")
    if short:
        digits = {"x": 2, "u": 4, "U": 8}[short]
        raise LiteralError(
            f"\\{short} needs {digits} hexadecimal digits; for a backslash write \\\\"
        )
    return _ESCAPES.get(match[7], match[0])


def scalar_values(text: str) -> str:
    """Return the text if all of it can be written as UTF-8.

    Raises:
        LiteralError: It holds half of a surrogate pair.
    """
    if not text.isascii() and (found := _SURROGATE.search(text)):
        code = f"\\u{ord(found[0]):04x}"
        raise LiteralError(f"{code} is half of a surrogate pair; write the character itself")
    return text


def read_number(literal: str, limits: Limits) -> int | float:
    """Return the value of a number as a body or a value spells it: an int without point and exponent,
    else a float.

    Raises:
        LimitError: It is too long.
        LiteralError: It has a leading zero, or is no finite float.
    """
    if len(literal) > limits.digits:
        raise LimitError(f"a number has at most {counted(limits.digits, 'character')}")
    if literal.isdigit() and literal[0] != "0":  # as most are
        return int(literal)
    digits = literal.lstrip("+-")
    if base := _BASES.get(digits[1:2].lower()):
        return _in_decimal(int(literal, base), limits)
    if digits.replace("_", "").isdigit():
        if len(digits) > 1 and digits[0] == "0":
            decimal = literal.replace(digits, digits.lstrip("0_") or "0")
            raise LiteralError(f"{literal} has a leading zero; write {decimal}")
        return int(literal)
    value = float(literal)
    if not math.isfinite(value):
        raise LiteralError(f"{literal} is beyond the largest float")
    return value


def _in_decimal(value: int, limits: Limits) -> int:
    """Hold an integer that is written in another base to the limit in decimal as well."""
    if abs(value) >= 10 ** (limits.digits - (value < 0)):
        raise LimitError(f"a number has at most {counted(limits.digits, 'character')} in decimal")
    return value


def write_python_string(value: str) -> str:
    """Return the canonical Python literal of a string: double quotes, no marker inside.

    Raises:
        LiteralError: It holds half of a surrogate pair.
    """
    escaped = scalar_values(value).replace("\\", "\\\\").replace('"', '\\"')
    escaped = _UNPRINTABLE.sub(_python_escape, escaped)
    return '"' + _MARKER.sub(lambda m: r"\x5b" + m[0][1:], escaped) + '"'


def _python_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _PYTHON_NAMES.get(match[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
