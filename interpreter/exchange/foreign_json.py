"""JSON of other programs: values with the lines that they begin in, and text that may be JSON."""

import json
from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from cml.ast import Json
from cml.profile import Limits
from cml.text.json_values import JsonError, read_json
from interpreter.exchange.happenings import ForeignError

LIMITS: Final = Limits(
    block_characters=1_048_576, nesting=128, digits=4_000, calls=1_000_000, pending_calls=1_000_000
)
"""As far as a profile goes: an import does not judge how long a foreign call is."""

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = " \t\r\n"
_Shape = TypeVar("_Shape")


def lines_of_json(text: str) -> Iterator[tuple[int, object]]:
    """Yield the value of each line that is not empty, with its number from 1.

    Raises:
        ForeignError: A line is no JSON.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            value, end = _value(line, _skip(line, 0), number)
            if line[end:].strip():
                raise ForeignError(number, "expected one JSON value a line; there is more")
            yield number, value


def elements_of(text: str, key: str) -> Iterator[tuple[int, object]]:
    """Yield the elements of an array, or of the array under a key of an object, with their lines.

    Args:
        text: One JSON document.
        key: Where in an object the array is.

    Raises:
        ForeignError: It is no such document.
    """
    at = _skip(text, 0)
    if text.startswith("{", at):
        at = _under(text, at + 1, key)
    if not text.startswith("[", at):
        raise ForeignError(_line(text, at), f"expected an array, or an object with {key!r}")
    lines, at = _Lines(text), _skip(text, at + 1)
    while not text.startswith("]", at):
        line = lines.at(at)
        value, at = _value(text, at, line)
        yield line, value
        at = _after_comma(text, at, "]")


def shaped(value: object, shape: type[_Shape], line: int) -> _Shape:
    """Return a value as the type that a format says it has.

    Raises:
        ForeignError: It has another shape.
    """
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        raise ForeignError(line, str(error)) from None
    except UnicodeEncodeError:
        raise ForeignError(line, "a key with half of a surrogate pair") from None


def json_or_text(text: str) -> Json:
    """Return the value of a text that is JSON; any other text as it is."""
    try:
        return read_json(text, LIMITS)
    except (JsonError, RecursionError):
        return text


def arguments_of(text: str) -> tuple[dict[str, Json], str]:
    """Return the arguments that a text of JSON holds, and why it holds none, if so."""
    try:
        value = read_json(text or "{}", LIMITS)
    except RecursionError:
        return {}, "its arguments are nested too deep"
    except JsonError as error:
        return {}, f"its arguments are no JSON: {error}"
    if not isinstance(value, dict):
        return {}, "its arguments are no JSON object"
    return value, ""


def _under(text: str, at: int, key: str) -> int:
    """Return where the value under a key of an object begins; where the object ends if it has none."""
    lines, at = _Lines(text), _skip(text, at)
    while not text.startswith("}", at):
        name, at = _value(text, at, lines.at(at))
        at = _skip(text, at)
        if not text.startswith(":", at):
            raise ForeignError(_line(text, at), "expected `:` after a key")
        at = _skip(text, at + 1)
        if name == key:
            return at
        _, at = _value(text, at, lines.at(at))
        at = _after_comma(text, at, "}")
    return at


def _after_comma(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text.startswith(",", at):
        return _skip(text, at + 1)
    if not text.startswith(closing, at):
        raise ForeignError(_line(text, at), f"expected `,` or `{closing}`")
    return at


def _value(text: str, at: int, line: int) -> tuple[object, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        where = line + text.count("\n", at, error.pos)
        raise ForeignError(where, f"no JSON: {error.msg}") from None
    except RecursionError:
        raise ForeignError(line, "brackets nest too deep") from None
    except ValueError:  # Python's own bound on the digits of a number
        raise ForeignError(line, "a number has too many digits") from None
    return value, end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


class _Lines:
    """The lines of places in a text, asked for in their order: line feeds are counted once, and not from
    the beginning for each place.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._line, self._counted = 1, 0

    def at(self, place: int) -> int:
        self._line += self._text.count("\n", self._counted, place)
        self._counted = place
        return self._line


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
