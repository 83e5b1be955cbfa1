"""Bodies in Python syntax, read at once: one regular expression for the tokens, then descent.

Most values are spelled as in JSON; as long as the arguments are, the decoder of JSON takes them.
Only what is a call is read here. Of everything else this reader makes nothing, not even a message:
the grammar reads it again and says what was expected, and where (`cml.advice.grammar_bodies`).
"""

import re
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Final

from cml.ast import Value
from cml.profile import Limits, Profile
from cml.text.identifiers import CONSTANTS
from cml.text.invocation import BodyError, Invocation, reference
from cml.text.json_values import DECODER, needs_care
from cml.text.literals import LiteralError, read_number, read_python_string

_SPACE: Final = r"[ \t\r\n]*"
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_FUNCTION: Final = re.compile(rf"({_NAME}{_SPACE}(?:\.{_SPACE}{_NAME}{_SPACE})*)\({_SPACE}")
_DIGITS: Final = "[0-9](?:_?[0-9])*+"
_NUMBER: Final = (
    "[-+]?(?:0[xX](?:_?[0-9a-fA-F])++|0[oO](?:_?[0-7])++|0[bB](?:_?[01])++"
    rf"|(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][-+]?{_DIGITS})?)"
)
# In three quotes or in one; two at once are the empty string, or the beginning of three.
_STRINGS: Final = "[rRuU]?(?:{})".format(
    "|".join(
        rf"{q}[^{q[0]}\\\r\n]*+(?:\\[^\r\n][^{q[0]}\\\r\n]*+)*+{q}"
        for q in ('"""', "'''", '"', "'")
    )
)
# A terminal of cml.lark that stands between parentheses; all from where there is none is the empty
# token. Strings that are joined have white space between them.
_TOKEN: Final = re.compile(
    rf"([][(){{}},:=]|{_NAME}+(?![\"'])|{_NUMBER}|{_STRINGS}(?![rRuU]?[\"'])){_SPACE}|.+", re.DOTALL
)
# What JSON spells otherwise, or must not hold; an argument that may be JSON, up to its value; and what
# has to follow it, if it is.
_NO_JSON: Final = re.compile(r"\\|'|None|True|False|\$ref")
_JSON_ARGUMENT: Final = re.compile(rf"(?:({_NAME}){_SPACE}={_SPACE})?(?=[\"\[{{0-9-])")
_AFTER_JSON: Final = re.compile(rf"{_SPACE}(?:,{_SPACE}|(?=\)))")
_END: Final = ["", ""]
_QUOTES: Final = frozenset("\"'")
_BEGIN_NAMES: Final = frozenset(f"{ascii_letters}_")
_Tokens = list[str]


class _NoCall(ValueError):
    """The grammar has to say what this is."""


def read_python(text: str, profile: Profile) -> Invocation | None:
    """Return what a body says, or None where it is not one call with literal arguments.

    Args:
        text: The body; the nesting of its brackets is bounded already.
        profile: Its level and limits.
    """
    head = _FUNCTION.match(text)
    if head is None:
        return None
    args: list[Value] = []
    kwargs: dict[str, Value] = {}
    function = "".join(head[1].split())
    position = _take_json(text, head.end(), args, kwargs, profile.limits)
    if text[position:] == ")":  # as most bodies end
        return Invocation(function, tuple(args), kwargs)
    tokens = [*_END, *reversed(_TOKEN.findall(text, position))]  # the next one is the last
    try:
        _take_arguments(tokens, args, kwargs, profile)
    except (_NoCall, LiteralError, BodyError):
        return None
    return Invocation(function, tuple(args), kwargs) if tokens == _END else None


def _take_json(
    text: str, position: int, args: list[Value], kwargs: dict[str, Value], limits: Limits
) -> int:
    """Take the arguments that JSON spells alike, up to the first that is none of them.

    Returns:
        Where that begins.
    """
    if _NO_JSON.search(text) or needs_care(text, limits):
        return position
    while begun := _JSON_ARGUMENT.match(text, position):
        name = begun[1]
        try:
            value, end = DECODER.raw_decode(text, begun.end())
        except ValueError:
            break
        after = _AFTER_JSON.match(text, end)
        if after is None or (kwargs if name is None else name in kwargs):
            break
        if name is None:
            args.append(value)
        else:
            kwargs[name] = value
        position = after.end()
    return position


def _take_arguments(
    tokens: _Tokens, args: list[Value], kwargs: dict[str, Value], profile: Profile
) -> None:
    while tokens[-1] != ")":
        if tokens[-2] == "=":
            name = _name(tokens)
            tokens.pop()
            if name in kwargs:
                raise _NoCall
            kwargs[name] = _value(tokens, profile)
        elif kwargs:
            raise _NoCall
        else:
            args.append(_value(tokens, profile))
        if tokens[-1] != ",":
            break
        tokens.pop()
    _take(tokens, ")")


def _value(tokens: _Tokens, profile: Profile) -> Value:
    read = _READERS.get(tokens[-1][:1])
    if read is None:
        raise _NoCall
    return read(tokens, profile)


def _string(tokens: _Tokens, _: Profile) -> str:
    value = read_python_string(tokens.pop())
    while tokens[-1][-1:] in _QUOTES:
        value += read_python_string(tokens.pop())
    return value


def _is_string(token: str) -> bool:
    return token[-1:] in _QUOTES


def _number(tokens: _Tokens, profile: Profile) -> int | float:
    return read_number(tokens.pop(), profile.limits)


def _array(tokens: _Tokens, profile: Profile) -> list[Value]:
    tokens.pop()
    return _values(tokens, profile, "]")


def _parentheses(tokens: _Tokens, profile: Profile) -> Value:
    """An array, if it is empty or has a comma, else the value itself."""
    tokens.pop()
    if tokens[-1] == ")":
        return _values(tokens, profile, ")")
    first = _value(tokens, profile)
    if tokens[-1] != ",":
        _take(tokens, ")")
        return first
    tokens.pop()
    return [first, *_values(tokens, profile, ")")]


def _values(tokens: _Tokens, profile: Profile, close: str) -> list[Value]:
    values: list[Value] = []
    while tokens[-1] != close:
        values.append(_value(tokens, profile))
        if tokens[-1] != ",":
            break
        tokens.pop()
    _take(tokens, close)
    return values


def _object(tokens: _Tokens, profile: Profile) -> dict[str, Value]:
    tokens.pop()
    entries: dict[str, Value] = {}
    while tokens[-1] != "}":
        if not _is_string(tokens[-1]):
            raise _NoCall
        key = _string(tokens, profile)
        _take(tokens, ":")
        if key in entries or key == "$ref":
            raise _NoCall
        entries[key] = _value(tokens, profile)
        if tokens[-1] != ",":
            break
        tokens.pop()
    _take(tokens, "}")
    return entries


def _prefixed(tokens: _Tokens, profile: Profile) -> Value:
    """A name that begins like the prefix of a string, or such a string."""
    return (_string if _is_string(tokens[-1]) else _named)(tokens, profile)


def _named(tokens: _Tokens, profile: Profile) -> Value:
    name = tokens.pop()
    path: list[str | int] = []
    while tokens[-1] == "[":
        tokens.pop()
        path.append(_subscript(tokens, profile))
        _take(tokens, "]")
    if name in CONSTANTS and not path:
        return CONSTANTS[name]
    return reference(name, tuple(path), profile, 0)


def _subscript(tokens: _Tokens, profile: Profile) -> str | int:
    if _is_string(tokens[-1]):
        return _string(tokens, profile)
    is_number = _READERS.get(tokens[-1][:1]) is _number
    index = _number(tokens, profile) if is_number else None
    if isinstance(index, int):
        return index
    raise _NoCall


def _name(tokens: _Tokens) -> str:
    token = tokens.pop()
    if token[:1] not in _BEGIN_NAMES or _is_string(token):
        raise _NoCall
    return token


def _take(tokens: _Tokens, expected: str) -> None:
    if tokens.pop() != expected:
        raise _NoCall


# By the first character of a token.
_READERS: Final[dict[str, Callable[[_Tokens, Profile], Value]]] = {
    **dict.fromkeys(_BEGIN_NAMES, _named),
    **dict.fromkeys("rRuU", _prefixed),
    **dict.fromkeys(f"{digits}+-.", _number),
    **dict.fromkeys("\"'", _string),
    "[": _array,
    "(": _parentheses,
    "{": _object,
}
