"""Bodies that are valid, read without a word on those that are not (spec/1-syntax.md, section 6)."""

import re
from typing import Final, TypeGuard, cast

from cml.ast import Json, Reference, Value
from cml.profile import Body, Level, Limits, Profile
from cml.text.invocation import BodyError, Invocation, reference
from cml.text.json_values import JsonError, read_json
from cml.text.literals import CALL_QUOTES, blank_strings
from cml.text.python_bodies import read_python

_BRACKET: Final = re.compile(r"[][(){}]")


def read_if_valid(text: str, profile: Profile) -> Invocation | None:
    """Return what a body says, or None where it is not valid; no message is made of it.

    Args:
        text: Anything that may be a body, its nesting not bounded yet.
        profile: Its language, level and limits.
    """
    try:
        check_nesting(text, CALL_QUOTES[profile.body], profile.limits)
        match profile.body:
            case Body.PYTHON:
                return read_python(text, profile)
            case Body.JSON:
                return json_call(text, read_json(text, profile.limits), profile)
    except (BodyError, JsonError):
        return None


def check_nesting(text: str, quotes: str, limits: Limits) -> None:
    """Bound the nesting of brackets, before any parser sees them (Syntax/limits).

    Which bracket closes which is not looked at, and one that closes nothing does not count.

    Args:
        text: The code.
        quotes: The characters that open its strings; brackets inside them do not count.
        limits: How deep they may nest.

    Raises:
        BodyError: The nesting is deeper than the limit.
    """
    if len(text) <= limits.nesting or sum(map(text.count, "([{")) <= limits.nesting:
        return
    depth = 0
    for bracket in _BRACKET.finditer(blank_strings(text, quotes)):
        depth = depth + 1 if bracket[0] in "([{" else max(depth - 1, 0)
        if depth > limits.nesting:
            message = f"brackets nest deeper than {limits.nesting}"
            raise BodyError(message, bracket.start(), "Valid/limit")


def json_call(text: str, value: Json, profile: Profile) -> Invocation | None:
    """The call that a JSON value is, or None where it has not the shape of one."""
    match value:
        case {"name": str(name), "arguments": dict(arguments), **rest} if not rest:
            if not name:
                raise BodyError("the name of a function is empty; write which to call")
            if "$ref" not in text and "\\" not in text:
                return Invocation(name, (), cast(dict[str, Value], arguments))
            kwargs = {key: json_value(entry, profile) for key, entry in arguments.items()}
            return Invocation(name, (), kwargs)
        case _:
            return None


def json_value(value: Json, profile: Profile) -> Value:
    """Return a value of a JSON body, the futures in it read.

    Raises:
        BodyError: One of them is none.
    """
    match value:
        case dict() if "$ref" in value:
            return _json_reference(value, profile)
        case dict():
            return {key: json_value(entry, profile) for key, entry in value.items()}
        case list():
            return [json_value(entry, profile) for entry in value]
        case _:
            return value


def _json_reference(value: dict[str, Json], profile: Profile) -> Reference:
    match value["$ref"], value.get("path", []):
        case str(ref), list(path) if value.keys() <= {"$ref", "path"}:
            steps = tuple(step for step in path if _is_step(step))
            if len(steps) == len(path):
                return reference(ref, steps, profile, 0)
        case _:
            pass
    if profile.level is Level.CORE:
        raise BodyError("the key `$ref` is kept for results of calls, which this level has not")
    raise BodyError('write the result of a call as {"$ref": "identifier", "path": ["key", 0]}')


def _is_step(step: Json) -> TypeGuard[str | int]:
    return isinstance(step, str | int) and not isinstance(step, bool)
