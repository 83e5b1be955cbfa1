"""Calls that are written as JSON, in the many shapes that models know."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, cast

import msgspec

from cml.advice.strings import quote_inside, unclosed
from cml.advice.wording import CURLY_QUOTES, Told, completed, write_calls
from cml.ast import Json, Value
from cml.profile import Body, Limits, Profile
from cml.text.invocation import BodyError, Invocation
from cml.text.literals import CALL_QUOTES
from cml.text.valid_bodies import json_value, read_if_valid

_NAMES: Final = ("name", "function", "function_name", "tool", "tool_name", "action")
_ARGUMENTS: Final = (
    "arguments",
    "parameters",
    "args",
    "kwargs",
    "params",
    "input",
    "tool_input",
    "action_input",
)
_ESCAPE: Final = re.compile(r"\\([\"\\/bfnrt]|u[0-9a-fA-F]{4})|\\")
_NOT_PYTHON: Final = "bodies are JSON here, not Python"
_PATTERN: Final = '{"name": "…", "arguments": {…}}'
_LONGEST_BODY: Final = 20_000  # in which calls are looked for
_QUOTES: Final = CALL_QUOTES[Body.JSON]
_STRAIGHT: Final = dict.fromkeys(map(ord, CURLY_QUOTES), '"')


class WrittenCall(msgspec.Struct, frozen=True):
    """A call as some JSON says it.

    Args:
        call: Its function and its named arguments.
        fault: What is other than in a body.
    """

    call: Invocation
    fault: str


def json_advice(body: str, fault: str, offset: int, profile: Profile) -> Told:
    """Return what to tell a model of a body that is no call in JSON, and of which place in it.

    Args:
        body: The body.
        fault: What a reader said of it.
        offset: Where, in characters.
        profile: What a right form has to keep to.
    """
    calls = calls_in_json(body, profile.limits)
    if calls and not calls[0].fault:
        return Told(fault, offset)
    if calls:
        remedy = write_calls([written.call for written in calls], profile)
        return Told(f"{calls[0].fault}; {remedy}", offset)
    if call := read_if_valid(body, Profile(limits=profile.limits)):
        if call.args:
            given = f'{{"name": "{call.function}", "arguments": {{…}}}}'
            return Told(f"{_NOT_PYTHON}; write {given}, each argument with its name", 0)
        return Told(f"{_NOT_PYTHON}; {write_calls([call], profile)}", 0)
    if broken := unclosed(body, _QUOTES):
        return broken
    told = quote_inside(body, offset, _QUOTES)
    return Told(
        told or f"{fault if body else 'the body is empty'}; write {_PATTERN} and nothing else",
        offset,
    )


def calls_in_json(text: str, limits: Limits) -> list[WrittenCall]:
    """Return the calls that a text says as JSON does, if all of it says calls.

    Args:
        text: The text.
        limits: How deep its values may nest; those that a string holds, too.
    """
    if text[:1] not in {"{", "["} or len(text) > _LONGEST_BODY:
        return []
    for fault, value in _read(text, limits):
        calls = list(_calls(value, fault, limits))
        return [] if None in calls else [call for call in calls if call]
    return []


def _read(text: str, limits: Limits) -> Iterator[tuple[str, Json]]:
    """Yield what JSON, or what is nearly JSON, says, with what is wrong with it."""
    for fault, read in _READERS:
        try:
            value = read(text)
        except (ValueError, RecursionError):
            continue
        if _nests_within(value, limits):
            yield fault, value


def _nests_within(value: Json, limits: Limits) -> bool:
    """Whether arrays and objects nest no deeper than brackets may: what goes down them is bounded.

    The readers here disagree on what is a string, so no look at the text can tell.
    """
    level = [value]
    for _ in range(limits.nesting + 1):
        level = [
            entry
            for node in level
            if isinstance(node, dict | list)
            for entry in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return True
    return False


def _in_python(text: str) -> Json:
    """The value of a literal as Python spells it."""
    call = read_if_valid(f"f({text})", Profile())
    if call is None or len(call.args) != 1 or call.kwargs:
        raise ValueError(text)
    value: Json = msgspec.to_builtins(call.args[0])
    return value


def _with_backslashes(text: str) -> Json:
    value: Json = json.loads(_ESCAPE.sub(lambda m: m[0] if m[1] else r"\\", text))
    return value


_READERS: Final[tuple[tuple[str, Callable[[str], Json]], ...]] = (
    ("", json.loads),
    ("a line break in a string is written \\n", partial(json.loads, strict=False)),
    ("a backslash in a string is written \\\\", _with_backslashes),
    ("nothing follows the object", lambda text: json.JSONDecoder().raw_decode(text)[0]),
    ("a bracket is not closed", lambda text: json.loads(completed(text, _QUOTES) or "")),
    ('JSON has strings in ", the words true, false and null, and no comma at the end', _in_python),
    (
        'strings stand in " and ", no other quotes',
        lambda text: json.loads(text.translate(_STRAIGHT)),
    ),
)


def _calls(value: Json, fault: str, limits: Limits) -> Iterator[WrittenCall | None]:
    match value:
        case list():
            for entry in value:
                yield from _calls(entry, fault or "a body is one object, not an array", limits)
        case {"tool_calls": list(calls)}:
            yield from _calls(calls, fault, limits)
        case {"function": dict(inner)} | {"function_call": dict(inner)}:
            alone = 'a body has the keys "name" and "arguments" alone'
            yield from _calls(inner, fault or alone, limits)
        case dict():
            yield _call(value, fault, limits)
        case _:
            yield None


def _call(value: dict[str, Json], fault: str, limits: Limits) -> WrittenCall | None:
    name_key = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
    if name_key is None:
        return None
    key = next((key for key in _ARGUMENTS if key in value), None)
    given = value[key] if key else None
    arguments = given
    if isinstance(given, str):
        try:
            arguments = json.loads(given)
        except (ValueError, RecursionError):
            return None
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict) or not _nests_within(arguments, limits):
        return None
    shape = _shape_fault(value, name_key, key, given)
    call = Invocation(str(value[name_key]), (), _with_references(arguments))
    return WrittenCall(call, fault or shape)


def _with_references(arguments: dict[str, Json]) -> dict[str, Value]:
    """Arguments with the futures in them read; as they are, if one of those is none."""
    try:
        return {name: json_value(value, Profile()) for name, value in arguments.items()}
    except BodyError:
        return cast(dict[str, Value], arguments)


def _shape_fault(value: dict[str, Json], name_key: str, key: str | None, given: Json) -> str:
    if name_key != "name":
        return f'the function stands under "name", not "{name_key}"'
    if key is None:
        return '"arguments" is missing'
    if key != "arguments":
        return f'the arguments stand under "arguments", not "{key}"'
    if not isinstance(given, dict):
        kind = "a string" if isinstance(given, str) else "null"
        return f'"arguments" is an object, not {kind}'
    return "" if len(value) == 2 else 'a body has the keys "name" and "arguments" alone'
