"""Bodies in Python syntax, read by the grammar of cml.lark: what says what is wrong with one.

It reads what `cml.text.python_bodies` reads and gives the same, only more slowly, so it is asked where
that one gives up, and in the tests.
"""

from typing import Final

from lark import Token, Tree, UnexpectedInput, UnexpectedToken

from cml.advice.mending import mended
from cml.advice.python_bodies import python_advice
from cml.ast import Value
from cml.profile import Level, Profile
from cml.text.grammar import body_grammar
from cml.text.identifiers import CONSTANTS
from cml.text.invocation import BodyError, Invocation, reference
from cml.text.literals import LimitError, LiteralError, read_number, read_python_string

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
_UNNAMED: Final = "an argument without a name stands after one with; write its name, as in x=1"
_BEGINS_VALUE: Final = {"PYTHON_STRING", "NUMBER", "NAME", "_OPEN_BRACKET"}
_WHITE_SPACE: Final = " \t\r\n"

_Node = Tree[Token]


def read_by_grammar(text: str, profile: Profile) -> Invocation:
    """Read a body by the grammar; the nesting of its brackets is bounded already.

    Raises:
        BodyError: It is not one call with literal arguments, or breaks a limit.
    """
    try:
        tree = body_grammar().parse(text)
    except UnexpectedInput as error:
        told = python_advice(text, _error_offset(error, text), _expectation(error), profile)
        raise BodyError(told.message, told.offset) from None
    function, *arguments = _trees(tree)
    args: list[Value] = []
    kwargs: dict[str, Value] = {}
    for argument in arguments:
        if argument.data == "keyword":
            _add_keyword(argument, kwargs, profile)
        elif kwargs:
            message = mended(text, profile) or _UNNAMED
            raise BodyError(message, _start(argument))
        else:
            args.append(_python_value(argument, profile))
    return Invocation(".".join(map(_name, _tokens(function))), tuple(args), kwargs)


def _add_keyword(argument: _Node, kwargs: dict[str, Value], profile: Profile) -> None:
    token, value = argument.children
    name = _name(token)
    if name in kwargs:
        raise BodyError(f"the argument {name} is given twice; write it once", _start(argument))
    kwargs[name] = _python_value(value, profile)


def _python_value(node: Token | _Node, profile: Profile) -> Value:
    if isinstance(node, Token):
        raise TypeError(f"not a value: {node!r}")
    match node.data:
        case "python_string":
            return _string(node)
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
    is_core = profile.level is Level.CORE
    for entry in _trees(node):
        key_token, value = entry.children
        key = _string(key_token)
        if key in entries:
            raise BodyError(f"the key {key!r} is given twice; write it once", _start(entry))
        if key == "$ref":
            remedy = "the value itself" if is_core else "the identifier itself, as in x=a"
            message = f"the key `$ref` is not for Python bodies; write {remedy}"
            raise BodyError(message, _start(entry))
        entries[key] = _python_value(value, profile)
    return entries


def _named_value(node: _Node, profile: Profile) -> Value:
    """A bare name: a constant, or the future of an earlier call (Syntax/reference)."""
    token, *subscripts = node.children
    name = _name(token)
    if name in CONSTANTS and not subscripts:
        return CONSTANTS[name]
    path = tuple(_subscript(s.children[0], profile) for s in subscripts if isinstance(s, Tree))
    return reference(name, path, profile, _start(node))


def _subscript(step: Token | _Node, profile: Profile) -> str | int:
    if isinstance(step, Tree):
        return _string(step)
    index = _number(step, profile)
    if isinstance(index, float):
        message = 'a subscript is a string or a whole number; write a["k"] or a[0]'
        raise BodyError(message, _start(step))
    return index


def _string(node: Token | _Node) -> str:
    """The value of one literal, or of several that stand side by side."""
    return "".join(map(_literal, _tokens(node))) if isinstance(node, Tree) else _literal(node)


def _literal(token: Token) -> str:
    try:
        return read_python_string(token)
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
    is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    return len(text) if is_end or position is None or position < 0 else position


def _expectation(error: UnexpectedInput) -> str:
    names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()
    if set(names) >= _BEGINS_VALUE:
        return "a value"
    # After a string another one could stand, which is joined to it; nobody is told to write that.
    joined = {"PYTHON_STRING"} if {"_COMMA", "_COLON"} & set(names) else set()
    words = sorted({_WORDS[name] for name in set(names) - joined if name in _WORDS})
    return " or ".join(words) if words else "a call such as f(x=1)"
