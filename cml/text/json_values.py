"""JSON values, read strictly and written without a marker inside (spec/1-syntax.md, section 6)."""

import json
import math
import re
from functools import cache
from typing import Final, NoReturn, TypeAlias

import msgspec

from cml.ast import Json
from cml.profile import Limits
from cml.symbols import MARKER_PATTERN
from cml.text.literals import LimitError, LiteralError, read_number, scalar_values

_MARKER: Final = re.compile(MARKER_PATTERN)
# Half of a surrogate pair, or an escape that may be one.
_SURROGATE: Final = re.compile("[\ud800-\udfff]|\\\\u[dD][89a-fA-F]")


class JsonError(ValueError):
    """A text that is not one JSON value.

    Args:
        message: What is wrong.
        offset: Where in the text, in characters.
        rule: The rule that it breaks, where that is more than being no JSON value.
    """

    def __init__(self, message: str, offset: int = 0, rule: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.rule = rule


class _NumberLiteral(str):
    """A number as it is written."""

    __slots__ = ()


class _Entries(msgspec.Struct, frozen=True):
    """The entries of an object as they are written."""

    pairs: "list[tuple[str, _Parsed]]"


_Parsed: TypeAlias = "bool | str | _NumberLiteral | list[_Parsed] | _Entries | None"


def read_json(text: str, limits: Limits) -> Json:
    """Read one JSON value; keys are unique, numbers finite, strings whole characters.

    Of several faults those of the grammar come first.

    Args:
        text: The text; its nesting is bounded already.
        limits: How long a number may be.

    Raises:
        JsonError: The text is something else.
    """
    if not needs_care(text, limits):
        try:
            value: Json
            value, end = DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            pass  # read again below, to say what it is
        else:
            if end == len(text):
                return value
    return read_with_care(text, limits)


def needs_care(text: str, limits: Limits) -> bool:
    """Whether a string may hold half of a surrogate pair, or a number may be too long.

    Of any other text `DECODER` reads what `read_json` reads.
    """
    is_simple = text.isascii() and "\\" not in text
    if not is_simple and _SURROGATE.search(text):
        return True
    return len(text) > limits.digits and bool(_long_number(limits.digits).search(text))


@cache
def _long_number(digits: int) -> re.Pattern[str]:
    return re.compile(rf"[-+.0-9eE]{{{digits + 1}}}")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise LiteralError("a key is given twice")
    return entries


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise LiteralError(f"{literal} is beyond the largest float")
    return value


def read_with_care(text: str, limits: Limits) -> Json:
    """Read one JSON value by way of its literals, which are valued after the whole is parsed.

    It gives what `read_json` gives, more slowly, and says what is wrong with anything else.

    Raises:
        JsonError: The text is something else.
    """
    try:
        parsed: _Parsed = json.loads(
            text,
            object_pairs_hook=_Entries,
            parse_constant=_no_constant,
            parse_int=_NumberLiteral,
            parse_float=_NumberLiteral,
        )
        return _value(parsed, limits)
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg}", error.pos) from None
    except LimitError as error:
        raise JsonError(str(error), rule="Valid/limit") from None
    except (LiteralError, RecursionError) as error:
        raise JsonError(f"not JSON: {error}") from None


def _value(parsed: _Parsed, limits: Limits) -> Json:
    match parsed:
        case _NumberLiteral():
            return read_number(parsed, limits)
        case str():
            return scalar_values(parsed)
        case _Entries():
            return _object(parsed, limits)
        case list():
            return [_value(entry, limits) for entry in parsed]
        case _:
            return parsed


def _object(entries: _Entries, limits: Limits) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for key, entry in entries.pairs:
        if scalar_values(key) in values:
            raise LiteralError(f"the key {key!r} is given twice; write it once")
        values[key] = _value(entry, limits)
    return values


def _no_constant(name: str) -> NoReturn:
    raise LiteralError(f"{name} is not a JSON value; write null, or a text")


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
)


def write_json(value: object) -> str:
    """Return a JSON value on one line, no marker inside.

    Raises:
        LiteralError: The value is not JSON: a NaN, a type that JSON lacks, a cycle, a key that is
            no string, half of a surrogate pair.
    """
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise LiteralError(f"not a JSON value: {error}") from None
    return _MARKER.sub(lambda m: r"\u005b" + m[0][1:], scalar_values(text))
