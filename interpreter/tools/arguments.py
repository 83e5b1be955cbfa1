"""Whether arguments fit a tool's schema, and what a model is told where they do not.

The messages are made for the model: what was wrong, and the values or the form that are right, all
in JSON. jsonschema decides; its own messages are written for people who write Python.
"""

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from cml.ast import Json
from interpreter.tools.patterns import faults
from interpreter.tools.schema import Schema, as_schema, members, properties, resolved, types

if TYPE_CHECKING:
    from jsonschema import FormatChecker, ValidationError

_MOST_FAULTS: Final = 3
_LONGEST_VALUE: Final = 80

_NOUNS: Final = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "an array",
    "object": "an object",
}
_FORMATS: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    "date": (dt.date.fromisoformat, 'a date such as "2026-01-31"'),
    "time": (dt.time.fromisoformat, 'a time such as "14:30:00"'),
    "date-time": (dt.datetime.fromisoformat, 'a time such as "2026-01-31T14:30:00"'),
    "uuid": (uuid.UUID, 'a UUID such as "123e4567-e89b-12d3-a456-426614174000"'),
    "decimal": (lambda text: _finite(Decimal(text)), 'a decimal number such as "12.50"'),
}


def argument_faults(arguments: Json, parameters: Schema) -> tuple[str, ...]:
    """Return what is wrong with arguments, at most three things; nothing, if they fit.

    Args:
        arguments: An object of named arguments.
        parameters: The schema of a tool.
    """
    found_faults = faults(arguments, parameters, _format_checker())
    errors = sorted(found_faults, key=lambda e: [*map(str, e.absolute_path)])
    found = dict.fromkeys(line for error in errors for line in _explained(error, parameters))
    return tuple(found)[:_MOST_FAULTS]


def load_checks() -> None:
    """Load what checks arguments, so that the first call does not wait for it (80 ms)."""
    faults({}, {}, _format_checker())


def is_allowed(value: Json, schema: Schema) -> bool:
    """Whether a schema allows a value."""
    return not faults(value, schema, _format_checker())


def noun(schema: Schema, root: Schema) -> str:
    """Return what a schema asks for, in words: `a whole number`, `one of "c", "f"`."""
    found = resolved(schema, root)
    if "const" in found:
        return shown(found["const"])
    if isinstance(values := found.get("enum"), list):
        return f"one of {', '.join(map(shown, values))}"
    if isinstance(form := found.get("format"), str) and form in _FORMATS:
        return _FORMATS[form][1]
    if parts := members(found, root):
        return " or ".join(dict.fromkeys(noun(part, root) for part in parts))
    return " or ".join(_NOUNS.get(name, name) for name in types(found)) or "any value"


def shown(value: Json) -> str:
    """Return a value as JSON, shortened where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


@cache
def _format_checker() -> "FormatChecker":
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, (read, _) in _FORMATS.items():
        checker.checks(name, raises=(ValueError, ArithmeticError))(_reads(read))
    return checker


def _reads(read: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if isinstance(value, str):
            read(value)
        return True

    return check


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError("not finite")
    return number


# ------------------------------------------------------------------------------ explanations


def _explained(error: "ValidationError", root: Schema) -> Iterable[str]:
    path = "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path
    ).lstrip(".")
    where = f"{path}: " if path else ""
    name = str(error.validator)
    if name == "required":
        return [_missing(error, path, root)]
    if name == "additionalProperties":
        return [f"{where}{_unknown(error, path)}"]
    if name in {"anyOf", "oneOf"} and (inner := _one_member(error)):
        return _explained(inner, root)
    if name in _WRITTEN:
        said = _WRITTEN[name](cast(Json, error.validator_value))
    else:
        said = f"is not {noun(_schema(error), root)}"
    return [f"{where}{shown(cast(Json, error.instance))} {said}"]


def _one_member(error: "ValidationError") -> "ValidationError | None":
    """The fault inside the one member of a union that a value was meant for, if that is clear."""
    deeper = [inner for inner in error.context if inner.absolute_path != error.absolute_path]
    meant = {inner.schema_path[0] for inner in deeper} or {
        inner.schema_path[0]
        for inner in error.context
        if inner.validator not in {"type", "enum", "const"}
    }
    within = [inner for inner in error.context if inner.schema_path[0] in meant]
    return within[0] if len(meant) == 1 and within else None


def _schema(error: "ValidationError") -> Schema:
    return as_schema(cast(Json, error.schema))


def _missing(error: "ValidationError", path: str, root: Schema) -> str:
    name, parent = error.message, resolved(_schema(error), root)
    wanted = noun(properties(parent).get(name, {}), root)
    return f"{path + '.' if path else ''}{name} is missing; it is {wanted}"


def _unknown(error: "ValidationError", path: str) -> str:
    named = properties(_schema(error))  # of no other is it asked where it stands
    kind = "key" if path else "argument"
    advice = f"; the {kind}s are {', '.join(named)}" if named else f"; there are no {kind}s"
    return f"there is no {kind} {error.message}{advice}"


def _count(number: Json, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


_WRITTEN: Final[dict[str, Callable[[Json], str]]] = {
    "type": lambda v: f"is not {noun({'type': v}, {})}",
    "enum": lambda v: f"is not {noun({'enum': v}, {})}",
    "const": lambda v: f"is not {shown(v)}",
    "format": lambda v: f"is not {noun({'format': v}, {})}",
    "minimum": lambda v: f"is less than {shown(v)}, the least",
    "maximum": lambda v: f"is more than {shown(v)}, the most",
    "exclusiveMinimum": lambda v: f"is not more than {shown(v)}",
    "exclusiveMaximum": lambda v: f"is not less than {shown(v)}",
    "multipleOf": lambda v: f"is no multiple of {shown(v)}",
    "minLength": lambda v: f"is shorter than {_count(v, 'character', 'characters')}",
    "maxLength": lambda v: f"is longer than {_count(v, 'character', 'characters')}",
    "pattern": lambda v: f"does not match the pattern {v}",
    "minItems": lambda v: f"has fewer than {_count(v, 'entry', 'entries')}",
    "maxItems": lambda v: f"has more than {_count(v, 'entry', 'entries')}",
    "minProperties": lambda v: f"has fewer than {_count(v, 'key', 'keys')}",
    "maxProperties": lambda v: f"has more than {_count(v, 'key', 'keys')}",
    "uniqueItems": lambda _: "holds a value twice",
}
