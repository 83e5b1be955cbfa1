"""Literals of bodies: strings and numbers, in Python bodies (spec/1-syntax.md, section 6).

Values are those of JSON in both body languages: a string is a sequence of Unicode scalar values,
an integer has any size within the limits, a float is finite.
"""

import math
import re
from typing import Final

from cml.profile import Body, Limits
from cml.symbols import MARKER_PATTERN

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
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([xuUN])|(.))"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MARKER: Final = re.compile(MARKER_PATTERN)
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PYTHON_NAMES: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


# The characters that open a string literal in calls, and in the values of interrupts.
CALL_QUOTES: Final = {Body.PYTHON: "\"'", Body.JSON: '"'}
VALUE_QUOTES: Final = '"'
# A string literal as the lexer sees it: an unbalanced one ends with its line (Syntax/string).
_STRINGS: Final = {
    quotes: re.compile(
        "|".join(rf"{q}[^{q}\\\r\n]*(?:\\[^\r\n][^{q}\\\r\n]*)*{q}?" for q in quotes)
    )
    for quotes in CALL_QUOTES.values()
}


def blank_strings(code: str, quotes: str) -> str:
    """Return code of the same length in which its string literals consist of quotes only.

    Args:
        code: The code.
        quotes: The characters that open a string in it; none where there are no strings.
    """
    return _STRINGS[quotes].sub(lambda string: '"' * len(string[0]), code) if quotes else code


class LiteralError(ValueError):
    """A literal that has no value; the message says why."""


class LimitError(LiteralError):
    """A literal that is longer than the profile allows."""


def read_python_string(literal: str) -> str:
    """Return the value of a quoted, one-line Python string literal without prefix.

    As in Python, a backslash before a character that it does not escape stands for itself.

    Raises:
        LiteralError: An escape is cut short, or names no Unicode scalar value.
    """
    content = literal[1:-1]
    if "\\" in content:
        content = _ESCAPE.sub(_unescape, content)
    return scalar_values(content)


def _unescape(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3]
    if hexadecimal:
        code = int(hexadecimal, 16)
        if code > 0x10FFFF:
            raise LiteralError(f"{match[0]} is beyond the last Unicode character, \\U0010ffff")
        return chr(code)
    if match[4]:
        return chr(int(match[4], 8))
    if match[5]:
        if match[5] == "N":
            raise LiteralError("\\N names a character; write the character, or \\u and its code")
        digits = {"x": 2, "u": 4, "U": 8}[match[5]]
        raise LiteralError(f"\\{match[5]} needs {digits} hexadecimal digits")
    return _ESCAPES.get(match[6], match[0])


def scalar_values(text: str) -> str:
    """Return the text if all of it can be written as UTF-8.

    Raises:
        LiteralError: It holds half of a surrogate pair.
    """
    if found := _SURROGATE.search(text):
        raise LiteralError(f"\\u{ord(found[0]):04x} is half of a surrogate pair, not a character")
    return text


def read_number(literal: str, limits: Limits) -> int | float:
    """Return the value of a decimal number: an int without point and exponent, else a float.

    Raises:
        LimitError: It is too long.
        LiteralError: It has a leading zero, or is no finite float.
    """
    if len(literal) > limits.digits:
        raise LimitError(f"a number has at most {limits.digits} characters")
    digits = literal.lstrip("-")
    if digits.isdigit():
        if len(digits) > 1 and digits[0] == "0":
            raise LiteralError(f"{literal} has a leading zero")
        return int(literal)
    value = float(literal)
    if not math.isfinite(value):
        raise LiteralError(f"{literal} is beyond the largest float")
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
