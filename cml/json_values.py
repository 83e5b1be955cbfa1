"""JSON values, read strictly and written without a marker inside (spec/1-syntax.md, section 6)."""

import json
import re
from typing import Final, NoReturn

from cml.ast import Json
from cml.literals import LiteralError, read_number, scalar_values
from cml.profile import Limits
from cml.symbols import MARKER_PATTERN

_MARKER: Final = re.compile(MARKER_PATTERN)


class JsonError(ValueError):
    """A text that is not one JSON value.

    Args:
        message: What is wrong.
        offset: Where in the text, in characters.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


def read_json(text: str, limits: Limits) -> Json:
    """Read one JSON value; keys are unique, numbers finite, strings whole characters.

    Raises:
        JsonError: The text is something else.
    """

    def number(literal: str) -> int | float:
        return read_number(literal, limits)

    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_no_constant,
            parse_int=number,
            parse_float=number,
        )
        scalar_values(json.dumps(value, ensure_ascii=False))
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg}", error.pos) from None
    except (LiteralError, RecursionError) as error:
        raise JsonError(f"not JSON: {error}") from None
    return value


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise LiteralError(f"the key {twice!r} is given twice")
    return entries


def _no_constant(name: str) -> NoReturn:
    raise LiteralError(f"{name} is not a JSON value")


def write_json(value: object) -> str:
    """Return a JSON value on one line, no marker inside.

    Raises:
        LiteralError: The value is not JSON: a NaN, a type that JSON lacks, a cycle, a key that is
            no string, half of a surrogate pair.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise LiteralError(f"not a JSON value: {error}") from None
    return _MARKER.sub(lambda m: r"\u005b" + m[0][1:], scalar_values(text))
