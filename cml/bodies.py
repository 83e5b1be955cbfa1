"""Bodies: one call, in Python or JSON syntax (spec/1-syntax.md, section 6).

Nothing is ever evaluated: a body is parsed by the grammar of cml.lark, or as JSON, after its
nesting was bounded.
"""

import re
from typing import Final, TypeGuard

import msgspec
from lark import Token, Tree, UnexpectedInput

from cml.ast import Json, Reference, Value
from cml.grammar import body_grammar
from cml.identifiers import CONSTANTS, NO_VALUES, identifier_fault
from cml.json_values import JsonError, read_json
from cml.literals import (
    CALL_QUOTES,
    LimitError,
    LiteralError,
    blank_strings,
    read_number,
    read_python_string,
)
from cml.profile import Body, Level, Limits, Profile

_WORDS: Final = {
    "NAME": "a name",
    "PYTHON_STRING": "a string",
    "NUMBER": "a number",
    "_OPEN_PAREN": "`(`",
    "_CLOSE_PAREN": "`)`",
    "_OPEN_BRACKET": "`[`",
    "_CLOSE_BRACKET": "`]`",
    "_OPEN_BRACE": "`{`",
    "_CLOSE_BRACE": "`}`",
    "_COMMA": "`,`",
    "_COLON": "`:`",
    "_DOT": "`.`",
    "_EQUALS": "`=`",
    "$END": "the end of the call",
}
_BRACKET: Final = re.compile(r"[][(){}]")
_WHITE_SPACE: Final = " \t\r\n"

_Node = Tree[Token]


class Invocation(msgspec.Struct, frozen=True):
    """What a body says: which function, with which arguments."""

    function: str
    args: tuple[Value, ...]
    kwargs: dict[str, Value]


class BodyError(ValueError):
    """A body that is no call.

    Args:
        message: What was expected.
        offset: Where in the body, in characters.
        rule: The rule that it breaks.
    """

    def __init__(self, message: str, offset: int = 0, rule: str = "Valid/body") -> None:
        super().__init__(message)
        self.offset = offset
        self.rule = rule


def read_body(text: str, profile: Profile) -> Invocation:
    """Read a body, without white space around it, in the language of the profile.

    Raises:
        BodyError: The text is not one call with literal arguments, or breaks a limit.
    """
    check_nesting(text, CALL_QUOTES[profile.body], profile.limits)
    match profile.body:
        case Body.PYTHON:
            return _read_python(text, profile)
        case Body.JSON:
            return _read_json(text, profile)


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
    depth = 0
    for bracket in _BRACKET.finditer(blank_strings(text, quotes)):
        depth = depth + 1 if bracket[0] in "([{" else max(depth - 1, 0)
        if depth > limits.nesting:
            message = f"brackets nest deeper than {limits.nesting}"
            raise BodyError(message, bracket.start(), "Valid/limit")


# ------------------------------------------------------------------------------- Python syntax


def _read_python(text: str, profile: Profile) -> Invocation:
    try:
        tree = body_grammar().parse(text)
    except UnexpectedInput as error:
        raise BodyError(_expectation(error), _error_offset(error, text)) from None
    function, *arguments = _trees(tree)
    args: list[Value] = []
    kwargs: dict[str, Value] = {}
    for argument in arguments:
        if argument.data == "keyword":
            _add_keyword(argument, kwargs, profile)
        elif kwargs:
            raise BodyError("a positional argument stands after a named one", _start(argument))
        else:
            args.append(_python_value(argument, profile))
    return Invocation(".".join(map(_name, _tokens(function))), tuple(args), kwargs)


def _add_keyword(argument: _Node, kwargs: dict[str, Value], profile: Profile) -> None:
    token, value = argument.children
    name = _name(token)
    if name in kwargs:
        raise BodyError(f"the argument {name} is given twice", _start(argument))
    kwargs[name] = _python_value(value, profile)


def _python_value(node: Token | _Node, profile: Profile) -> Value:
    if isinstance(node, Token):
        raise TypeError(f"not a value: {node!r}")
    match node.data:
        case "python_string":
            return _string(_tokens(node)[0])
        case "number":
            return _number(_tokens(node)[0], profile)
        case "array":
            return [_python_value(child, profile) for child in node.children]
        case "object":
            return _python_object(node, profile)
        case _:
            return _named_value(node, profile)


def _python_object(node: _Node, profile: Profile) -> Value:
    entries: dict[str, Value] = {}
    for entry in _trees(node):
        key_token, value = entry.children
        key = _string(key_token)
        if key in entries:
            raise BodyError(f"the key {key!r} is given twice", _start(entry))
        if key == "$ref":
            raise BodyError("the key `$ref` is the JSON form of a future", _start(entry))
        entries[key] = _python_value(value, profile)
    return entries


def _named_value(node: _Node, profile: Profile) -> Value:
    """A bare name: a constant, or the future of an earlier call (Syntax/reference)."""
    token, *subscripts = node.children
    name = _name(token)
    if name in CONSTANTS and not subscripts:
        return CONSTANTS[name]
    path = tuple(_subscript(_tokens(s)[0], profile) for s in subscripts if isinstance(s, Tree))
    return _reference(name, path, profile, _start(node))


def _subscript(token: Token, profile: Profile) -> str | int:
    if token.type == "PYTHON_STRING":
        return _string(token)
    index = _number(token, profile)
    if isinstance(index, float):
        raise BodyError("a subscript is a string or a whole number", token.start_pos or 0)
    return index


def _reference(ref: str, path: tuple[str | int, ...], profile: Profile, offset: int) -> Reference:
    """What is no reference at any level is a fault of the body; only then the level counts."""
    if fault := identifier_fault(ref, profile):
        raise BodyError(fault, offset)
    if ref in NO_VALUES:
        raise BodyError(f"{ref} is a reserved word, not a value", offset)
    if profile.level is Level.CORE:
        message = f"{ref} names another call; futures are beyond the core level"
        raise BodyError(message, offset, "Valid/level")
    return Reference(ref, path)


def _string(token: "Token | _Node") -> str:
    try:
        return read_python_string(_name(token))
    except LiteralError as error:
        raise BodyError(str(error), _start(token)) from None


def _number(token: Token, profile: Profile) -> int | float:
    try:
        return read_number(_name(token), profile.limits)
    except LiteralError as error:
        rule = "Valid/limit" if isinstance(error, LimitError) else "Valid/body"
        raise BodyError(str(error), _start(token), rule) from None


def _name(token: Token | _Node) -> str:
    """The characters of a terminal, without the white space that it swallowed."""
    return str(token).rstrip(_WHITE_SPACE)


def _start(node: Token | _Node) -> int:
    first = next(node.scan_values(lambda _: True), None) if isinstance(node, Tree) else node
    return getattr(first, "start_pos", 0) or 0


def _trees(node: _Node) -> list[_Node]:
    return [child for child in node.children if isinstance(child, Tree)]


def _tokens(node: _Node) -> list[Token]:
    return [child for child in node.children if isinstance(child, Token)]


def _error_offset(error: UnexpectedInput, text: str) -> int:
    position: int | None = error.pos_in_stream
    return position if position is not None and position >= 0 else len(text)


def _expectation(error: UnexpectedInput) -> str:
    names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()
    words = sorted({_WORDS[name] for name in names if name in _WORDS})
    return "expected " + (" or ".join(words) if words else "a call such as f(x=1)")


# --------------------------------------------------------------------------------- JSON syntax


def _read_json(text: str, profile: Profile) -> Invocation:
    try:
        value = read_json(text, profile.limits)
    except JsonError as error:
        raise BodyError(str(error), error.offset, error.rule or "Valid/body") from None
    match value:
        case {"name": str(name), "arguments": dict(arguments), **rest} if not rest:
            if not name:
                raise BodyError("the name of a function is not empty")
            kwargs = {key: _json_value(entry, profile) for key, entry in arguments.items()}
            return Invocation(name, (), kwargs)
        case _:
            raise BodyError('expected {"name": "…", "arguments": {…}} and nothing else')


def _json_value(value: Json, profile: Profile) -> Value:
    match value:
        case dict() if "$ref" in value:
            return _json_reference(value, profile)
        case dict():
            return {key: _json_value(entry, profile) for key, entry in value.items()}
        case list():
            return [_json_value(entry, profile) for entry in value]
        case _:
            return value


def _json_reference(value: dict[str, Json], profile: Profile) -> Reference:
    match value["$ref"], value.get("path", []):
        case str(ref), list(path) if value.keys() <= {"$ref", "path"}:
            steps = tuple(step for step in path if _is_step(step))
            if len(steps) == len(path):
                return _reference(ref, steps, profile, 0)
        case _:
            pass
    raise BodyError('a future is {"$ref": "identifier", "path": [strings or whole numbers]}')


def _is_step(step: Json) -> TypeGuard[str | int]:
    return isinstance(step, str | int) and not isinstance(step, bool)
