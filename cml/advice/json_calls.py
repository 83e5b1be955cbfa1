"""Calls that are written as JSON, or nearly so, in the many shapes that models know."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, cast

import msgspec

from cml.advice.mending import ASCII_SIGNS, NO_BACKSLASHES, NO_COMMA, in_ascii
from cml.advice.wording import CURLY_QUOTES, completed
from cml.ast import Json, Reference, Value
from cml.profile import Body, Limits, Profile
from cml.text.invocation import BodyError, Invocation
from cml.text.literals import CALL_QUOTES, blank_strings
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
_BESIDE: Final = {"id", "type", "index", "call_id", "tool_call_id"}
_NOTHING: Final = {"undefined", "nil", "NaN", "nan", "Infinity", "inf"}
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")
_ESCAPE: Final = re.compile(r"\\([\"\\/bfnrt]|u[0-9a-fA-F]{4})|\\")
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


_TAGGED: Final = re.compile(
    r"<(?:function=|(?:function|invoke)\s+name=\")([\w.:-]+)\"?>(.*?)(?:</(?:function|invoke)>)?\Z",
    re.DOTALL,
)
_PARAMETER: Final = re.compile(
    r"<(?:parameter=|parameter\s+name=\")([\w.:-]+)\"?>(.*?)</parameter>", re.DOTALL
)
_BEFORE_OBJECT: Final = re.compile(r"([A-Za-z_][\w.-]*+)[ \t]*+:?+[ \t]*+(?=\{)")


def calls_in_json(text: str, limits: Limits) -> list[WrittenCall]:
    """Return the calls that a text says as JSON does, if all of it says calls.

    Args:
        text: The text.
        limits: How deep its values may nest; those that a string holds, too.
    """
    if len(text) > _LONGEST_BODY:
        return []
    if (tagged := _TAGGED.match(text)) is not None:
        return _calls_in_tags(tagged[1], tagged[2].strip(), limits)
    if (before := _BEFORE_OBJECT.match(text)) is not None:
        return _call_before_object(before[1], text[before.end() :], limits)
    if text[:1] not in {"{", "["}:
        return []
    for fault, value in _read(text, limits):
        calls = list(_calls(value, fault, limits))
        return [] if None in calls else [call for call in calls if call]
    return []


def _calls_in_tags(function: str, content: str, limits: Limits) -> list[WrittenCall]:
    """A call in tags: its arguments are an object, or stand in tags of their own."""
    if content[:1] == "{":
        value = next((value for _, value in _read(content, limits)), None)
    else:
        value = {name: _text_or_json(text) for name, text in _PARAMETER.findall(content)}
        value = None if _PARAMETER.sub("", content).strip() else value
    if not isinstance(value, dict) or not _nests_within(value, limits):
        return []
    return [
        WrittenCall(Invocation(function, (), _with_references(value)), "a tag is no part of a body")
    ]


def _text_or_json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip("\r\n")
    return value


def _call_before_object(function: str, text: str, limits: Limits) -> list[WrittenCall]:
    """A call whose function stands before the object of its arguments."""
    value = next((value for _, value in _read(text, limits)), None)
    if not isinstance(value, dict) or any(_calls(value, "", limits)):
        return []
    fault = 'the function stands inside the object, under "name"'
    return [WrittenCall(Invocation(function, (), _with_references(value)), fault)]


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


_BARE_KEY: Final = re.compile(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)")
_NO_COMMA: Final = re.compile(r"(?<=[\"\w}\]])\s++(?=\"[^\"\\\n]*+\"\s*+:)")


def _in_python(text: str) -> Json:
    """The value of a literal as Python spells it."""
    call = read_if_valid(f"f({text})", Profile())
    if call is None or len(call.args) != 1 or call.kwargs:
        raise ValueError(text)
    return _as_json(call.args[0])


def _as_json(value: Value) -> Json:
    """A value, with the futures in it as JSON has them."""
    match value:
        case Reference(ref) if ref in _NOTHING:
            raise ValueError(ref)
        case Reference(ref, path):
            return {"$ref": ref, "path": list(path)} if path else {"$ref": ref}
        case dict():
            return {key: _as_json(entry) for key, entry in value.items()}
        case list():
            return [_as_json(entry) for entry in value]
        case _:
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
    (NO_BACKSLASHES, lambda text: json.loads(re.sub(r"\\([\"\\])", r"\1", text))),
    ('keys stand in "', lambda text: json.loads(_BARE_KEY.sub(r'\1"\2"\3', text))),
    (NO_COMMA, lambda text: json.loads(_NO_COMMA.sub(", ", text))),
    (
        ASCII_SIGNS,
        lambda text: json.loads(in_ascii(text, blank_strings(text, _QUOTES))),
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
            yield _call(value, fault, limits) or _call_by_key(value, fault, limits)
        case _:
            yield None


def _call(value: dict[str, Json], fault: str, limits: Limits) -> WrittenCall | None:
    name_key = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
    if name_key is None:
        return None
    key = next((key for key in _ARGUMENTS if key in value), None)
    given = value[key] if key else None
    arguments = given
    if key is None:
        arguments = {k: entry for k, entry in value.items() if k not in {name_key, *_BESIDE}}
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


def _call_by_key(value: dict[str, Json], fault: str, limits: Limits) -> WrittenCall | None:
    """A call whose function is the one key of an object, and its arguments what stands there."""
    match list(value.items()):
        case [(name, dict(arguments))] if name not in _ARGUMENTS and _NAME.fullmatch(name):
            shape = fault or 'the function stands under "name"'
            is_flat = _nests_within(arguments, limits)
            call = Invocation(name, (), _with_references(arguments))
            return WrittenCall(call, shape) if is_flat else None
        case _:
            return None


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
