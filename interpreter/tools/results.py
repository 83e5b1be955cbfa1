"""Results: from whatever a function returned to JSON (Embed/result)."""

import collections
import collections.abc
import ipaddress
import json
import math
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import SimpleNamespace
from typing import Final

import msgspec

from cml.ast import Json, OutcomeKind
from cml.text.json_values import write_json
from interpreter.events import Outcome, failure

LONGEST_RESULT: Final = 4_194_304
"""Bytes of JSON: a row of a trace, which holds it, has at most four times as many."""
DEEPEST_RESULT: Final = 128
"""As deep as any profile may let a block nest."""
_BYTES: Final = (bytes, bytearray, memoryview)


def outcome_of(value: object, kind: OutcomeKind = OutcomeKind.RETURNED) -> Outcome:
    """Return the outcome of a call that returned a value, or reports one (Embed/result).

    Records, dates, sets, arrays of numbers and the like become their usual JSON form; what has none
    is a failure of the type `result`.

    Args:
        value: What came of the function.
        kind: Returned, or progress.
    """
    try:
        return Outcome(kind, _bounded(json_form(value)))
    except (TypeError, ValueError, RecursionError, AttributeError) as error:
        return failure("result", f"the function returned a {type(value).__name__}: {error}")


def _bounded(form: Json) -> Json:
    """Refuse what would make a row of a trace that no reader takes (Embed/result)."""
    if (size := len(write_json(form).encode())) > LONGEST_RESULT:
        raise ValueError(f"its JSON has {size:,} bytes, and a result at most {LONGEST_RESULT:,}")
    if _depth(form) > DEEPEST_RESULT:
        raise ValueError(f"it nests deeper than {DEEPEST_RESULT}")
    return form


def _depth(value: Json) -> int:
    match value:
        case dict():
            return 1 + max(map(_depth, value.values()), default=0)
        case list():
            return 1 + max(map(_depth, value), default=0)
        case _:
            return 0


def json_form(value: object) -> Json:
    """Return the JSON form of a value, all of it new.

    Raises:
        TypeError: It holds something that has none.
        ValueError: Likewise: a number that is not finite, two keys that are the same as text.
    """
    form = msgspec.to_builtins(value, builtin_types=(*_BYTES, Decimal), enc_hook=_usual)
    read: Json = json.loads(write_json(_with_text_keys(form)))
    return read


def _usual(value: object) -> object:
    """The usual form of what msgspec does not know; it is asked again for what that holds."""
    for kinds, form in _USUAL:
        if isinstance(value, kinds):
            return form(value)
    for method, arguments in _METHODS:
        if callable(write := getattr(value, method, None)):
            return write(**arguments)
    raise TypeError(
        f"a {type(value).__name__} has no JSON form; return text, numbers, lists, dicts"
    )


# Subclasses first: what a text or a number adds to itself is not told.
_USUAL: Final[tuple[tuple[type | tuple[type, ...], Callable[..., object]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (Enum, lambda member: member.value),
    (PurePath, str),
    ((ipaddress.IPv4Address, ipaddress.IPv6Address), str),
    (SimpleNamespace, vars),
    (collections.abc.Mapping, dict),
    ((collections.abc.Sequence, collections.abc.Set, collections.abc.ValuesView), list),
    (collections.deque, list),
)
# How libraries name the same thing: pydantic's models; arrays and scalars of numpy and the like.
_METHODS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("model_dump", {"mode": "json"}),
    ("tolist", {}),
)


def _with_text_keys(value: object) -> object:
    match value:
        case dict():
            keys = [_text_key(key) for key in value]
            if len({*keys}) < len(keys):
                raise ValueError("two keys of an object are the same as text")
            return dict(zip(keys, map(_with_text_keys, value.values()), strict=True))
        case list() | tuple():
            return [_with_text_keys(entry) for entry in value]
        case Decimal():
            return str(_finite(value))
        case bytes() | bytearray() | memoryview():
            raise TypeError("bytes have no JSON form; return text, base64 for one, and say so")
        case _:
            return value


def _text_key(key: object) -> str:
    match key:
        case str():
            return str.__str__(key)
        case bool() | None:
            return json.dumps(key)
        case int():
            return int.__repr__(key)
        case float():
            return float.__repr__(_finite(key))
        case _:
            raise TypeError(f"a key of an object is text, not a {type(key).__name__}")


def _finite(number: float | Decimal) -> float | Decimal:
    if not math.isfinite(number):
        raise ValueError(f"{number} is no JSON value")
    return number
