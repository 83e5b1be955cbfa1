"""Texts and numbers in a grammar: the terminal, or the rule of the engine, for what a schema allows."""

import json
import math
from collections.abc import Callable
from typing import Final

from cml.ast import Json
from cml.profile import Body
from interpreter.tools.schema import Schema

LONGEST_STRING: Final = 400
_FAR: Final = 10**15
_LARGEST_MULTIPLE: Final = 10_000
_CHARACTER: Final = {
    Body.PYTHON: r"""([^"\\\x00-\x1f\x7f]|\\["'\\nrt])""",
    Body.JSON: r"""([^"\\\x00-\x1f\x7f]|\\["\\nrt])""",
}
_INTEGER: Final = "/-?(0|[1-9][0-9]{0,15})/"
_NUMBER: Final = r"/-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?/"
_LEAP: Final = "([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29"
_DATE: Final = (
    "([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP})"
)
_TIME: Final = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_HEX: Final = "[0-9a-f]"
_FORMATS: Final = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}Z?",
    "duration": "P([1-9][0-9]{0,3}D|T[1-9][0-9]{0,3}[HMS])",
    "uuid": f"{_HEX}{{8}}-{_HEX}{{4}}-4{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}",
    "decimal": r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?",
    "ipv4": r"((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
}
_BASE64: Final = "([A-Za-z0-9+\\/]{4}){0,100}"


def string_text(schema: Schema, body: Body, is_pattern: Callable[[str], bool]) -> str | None:
    """Return the texts of a schema, as literals of a body; None if there are none.

    Args:
        schema: Of a string.
        body: The language of the bodies.
        is_pattern: Whether the engine can take a rule with a pattern of JSON Schema.
    """
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    low = least if isinstance(least, int) else 0
    high = most if isinstance(most, int) else low + LONGEST_STRING
    if low > high:
        return None
    if isinstance(pattern := schema.get("pattern"), str):
        bounded = {"type": "string", "minLength": low, "maxLength": high, "pattern": pattern}
        if is_pattern(rule := f"%json {json.dumps(bounded)}"):
            return rule
    if (form := schema.get("format")) in _FORMATS:
        return f'/"{_FORMATS[str(form)]}"/'
    if schema.get("contentEncoding") == "base64":
        return f'/"{_BASE64}"/'
    return f'/"{_CHARACTER[body]}{{{low},{high}}}"/'


def integer_text(schema: Schema) -> str | None:
    """Return the whole numbers of a schema; None if there are none."""
    multiple = schema.get("multipleOf")
    is_multiple = isinstance(multiple, int) and 1 < multiple <= _LARGEST_MULTIPLE
    bounds = _bounds(schema)
    if bounds is None and not is_multiple:
        return _INTEGER
    low, high = bounds or (-_FAR, _FAR)
    least, most = math.ceil(low), math.floor(high)
    least += "exclusiveMinimum" in schema and least <= _number(schema["exclusiveMinimum"])
    most -= "exclusiveMaximum" in schema and most >= _number(schema["exclusiveMaximum"])
    if least > most:
        return None
    exact: Schema = {"type": "integer", "minimum": least, "maximum": most}
    return f"%json {json.dumps({**exact, **({'multipleOf': multiple} if is_multiple else {})})}"


def number_text(schema: Schema) -> str | None:
    """Return the numbers of a schema; None if there are none."""
    bounds = _bounds(schema)
    if bounds is None:
        return _NUMBER
    is_open = "exclusiveMinimum" in schema or "exclusiveMaximum" in schema
    if bounds[0] > bounds[1] or (is_open and bounds[0] == bounds[1]):
        return None
    exact: Schema = {"type": "number", "minimum": bounds[0], "maximum": bounds[1]}
    exact |= {k: schema[k] for k in ("exclusiveMinimum", "exclusiveMaximum") if k in schema}
    return f"%json {json.dumps(exact)}"


def _number(value: Json) -> float:
    return value if isinstance(value, int | float) else 0.0


def _bounds(schema: Schema) -> tuple[float, float] | None:
    """Return the least and the most that a number may be, or None where there are no bounds."""
    low = [_number(schema[k]) for k in ("minimum", "exclusiveMinimum") if k in schema]
    high = [_number(schema[k]) for k in ("maximum", "exclusiveMaximum") if k in schema]
    if not low and not high:
        return None
    least = max(low) if low else min(*high, 0) - _FAR
    return least, min(high) if high else max(least, 0) + _FAR
