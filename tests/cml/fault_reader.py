"""A second reader of faults: the lists of Syntax/malformed, item by item.

It shares the grammar with the package and nothing else, and values literals as `lark_reader` does.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Lark, Token, Tree, UnexpectedInput
from lark_reader import (
    CONSTANTS,
    RESERVED,
    RUNTIME,
    SPACE,
    Rejected,
    _bare,
    _json_string,
    _literal,
    _number,
    _string,
)

from cml import Body, Level, Profile
from cml.text.grammar import grammar_text

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OUTCOMES = {"failed", "timeout", "cancelled", "progress"}


def first_fault(source: str, profile: Profile) -> str | None:
    """Return the rule of the first fault of a block, from its source to where it ended."""
    return next(_faults(source, profile), None)


def _faults(source: str, profile: Profile) -> Iterator[str]:
    opener = source[1:5]
    if len(source) > profile.limits.block_characters:
        yield "Valid/limit"
    quotes = {"CALL": "\"'" if profile.body is Body.PYTHON else '"', "INTR": '"'}.get(opener, "")
    markers = list(re.finditer(r"\[HEAD\]|\[END\]", _without_strings(source, quotes)))
    if not markers or markers[-1][0] != "[END]" or markers[-1].end() != len(source):
        yield "Valid/closed"
        return
    heads = markers[:-1]
    if len(heads) > (opener != "TRAP"):
        yield "Valid/head"
        return
    head = source[6 : heads[0].start()].strip(SPACE) if heads else None
    body = source[heads[0].end() if heads else 6 : -5].strip(SPACE)
    match opener:
        case "CALL":
            yield from _call_faults(head, body, quotes, profile)
        case "INTR":
            yield from _interrupt_faults(head, body, profile)
        case _:
            yield from _trap_faults(body, profile)


def _without_strings(code: str, quotes: str) -> str:
    """Code with its string literals blanked, one character after another (Syntax/string)."""
    kept, quote, escaped, opens = "", "", False, "yes"
    for character in code:
        kept += "." if quote and character not in "\r\n" else character
        if quote:
            if character in "\r\n" or (character == quote and not escaped):
                opens, quote = "no" if character in "\r\n" else "yes", ""
            escaped = character == "\\" and not escaped and bool(quote)
        elif character in quotes and opens != "no":
            kept, quote = kept[:-1] + ".", character
        elif re.search(r"\[(CALL|INTR|TRAP|HEAD|END)\]$", kept) or character in "([{,:=":
            opens = "yes"
        elif opens == "yes" and character in SPACE:
            pass
        else:
            opens = "prefix" if opens == "yes" and character in "rRuU" else "no"
    return kept


def _is_identifier(name: str, profile: Profile) -> bool:
    return bool(IDENTIFIER.fullmatch(name)) and len(name) <= profile.limits.identifier_characters


def _call_faults(head: str | None, body: str, quotes: str, profile: Profile) -> Iterator[str]:
    if head is not None and not _is_identifier(head, profile):
        yield "Valid/identifier"
    is_python = profile.body is Body.PYTHON
    start, faults = ("python_call", _python_faults) if is_python else ("json_value", _body_faults)
    tree = _tree(body, quotes, start, profile)
    if isinstance(tree, str):
        yield "Valid/body" if tree == "grammar" else tree
        return
    for fault in faults(tree, profile):
        yield fault if fault in {"Valid/limit", "Valid/level"} else "Valid/body"


def _interrupt_faults(head: str | None, body: str, profile: Profile) -> Iterator[str]:
    words = re.split(rf"[{SPACE}]+", head) if head else []
    if len(words) not in {1, 2} or (len(words) == 2 and words[1] not in OUTCOMES):
        yield "Valid/interrupt-head"
        return
    if not _is_identifier(words[0], profile):
        yield "Valid/identifier"
    if len(words) == 2 and profile.level is not Level.EXTENDED:
        yield "Valid/level"
    tree = _tree(body, '"', "json_value", profile)
    if isinstance(tree, str):
        yield "Valid/interrupt-value" if tree == "grammar" else tree
        return
    for fault in _literal_faults(tree, profile):
        yield fault if fault == "Valid/limit" else "Valid/interrupt-value"
    if len(words) == 2 and words[1] != "progress":
        entries = _entries(tree) if tree.data == "object" else {}
        are_strings = all(value.data == "json_string" for value in entries.values())
        if entries.keys() != {"type", "message"} or not are_strings:
            yield "Valid/interrupt-value"


def _trap_faults(body: str, profile: Profile) -> Iterator[str]:
    if not body:
        return
    if profile.level is not Level.EXTENDED:
        yield "Valid/level"
    names = [name.strip(SPACE) for name in body.split(",")]
    reserved = any(n in RESERVED or re.fullmatch(RUNTIME, n) for n in names)
    if names != ["all"] and (reserved or not all(_is_identifier(n, profile) for n in names)):
        yield "Valid/trap-list"


@cache
def _grammar(start: str) -> Lark:
    return Lark(grammar_text(), parser="lalr", start=start)


def _tree(body: str, quotes: str, start: str, profile: Profile) -> Any:
    """The tree of a body or value; or what is wrong with it as a whole."""
    depth = 0
    for bracket in re.findall(r"[][(){}]", _without_strings(body, quotes)):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        if depth > profile.limits.nesting:
            return "Valid/limit"
    try:
        return _grammar(start).parse(body)
    except UnexpectedInput:
        return "grammar"


def _of_string(token: Any, read: Any) -> Iterator[str]:
    try:
        read(token)
    except Rejected:
        yield "value"


def _of_number(token: Token, profile: Profile) -> Iterator[str]:
    if len(_bare(token)) > profile.limits.digits:
        yield "Valid/limit"
    yield from _of_string(_bare(token), _number)
    is_based = re.match("[-+]?0[xXoObB]", token)
    if is_based and len(str(ast.literal_eval(_bare(token)))) > profile.limits.digits:
        yield "Valid/limit"


def _object_faults(
    node: Any, profile: Profile, read: Any, faults_of: Any, barred: set[str]
) -> Iterator[str]:
    keys = set(barred)
    for entry in node.children:
        yield from _of_string(entry.children[0], read)
        key = read(entry.children[0])
        if key in keys:
            yield "key"
        keys.add(key)
        yield from faults_of(entry.children[1], profile)


# ------------------------------------------------------------------------------ Python bodies


def _python_faults(call: Tree[Token], profile: Profile) -> Iterator[str]:
    named: list[str] = []
    for argument in call.children[1:]:
        if argument.data == "keyword":
            name, value = argument.children
            if _bare(name) in named:
                yield "twice"
            named.append(_bare(name))
            yield from _value_faults(value, profile)
        else:
            if named:
                yield "place"
            yield from _value_faults(argument, profile)


def _value_faults(node: Any, profile: Profile) -> Iterator[str]:
    match node.data:
        case "python_string":
            for literal in node.children:
                yield from _of_string(literal, _literal)
        case "number":
            yield from _of_number(node.children[0], profile)
        case "array":
            for child in node.children:
                yield from _value_faults(child, profile)
        case "object":
            yield from _object_faults(node, profile, _string, _value_faults, {"$ref"})
        case _:
            yield from _name_faults(node, profile)


def _name_faults(node: Any, profile: Profile) -> Iterator[str]:
    name, *subscripts = node.children
    if _bare(name) in CONSTANTS and not subscripts:
        return
    for step in (subscript.children[0] for subscript in subscripts):
        if isinstance(step, Tree):
            yield from _value_faults(step, profile)
        else:
            yield from _of_number(step, profile)
            if isinstance(_number(_bare(step)), float):
                yield "subscript"
    yield from _reference_faults(_bare(name), profile)


def _reference_faults(name: str, profile: Profile) -> Iterator[str]:
    if not _is_identifier(name, profile) or name in RESERVED - {"all"}:
        yield "name"
    if profile.level is Level.CORE:
        yield "Valid/level"


# ------------------------------------------------------------------------------- JSON bodies


def _literal_faults(node: Any, profile: Profile) -> Iterator[str]:
    match node.data:
        case "json_string":
            yield from _of_string(node.children[0], _json_string)
        case "json_number":
            yield from _of_number(node.children[0], profile)
        case "array":
            for child in node.children:
                yield from _literal_faults(child, profile)
        case "object":
            yield from _object_faults(node, profile, _json_string, _literal_faults, set())
        case _:
            pass


def _entries(node: Any) -> dict[str, Any]:
    return {_json_string(entry.children[0]): entry.children[1] for entry in node.children}


def _body_faults(tree: Any, profile: Profile) -> Iterator[str]:
    yield from _literal_faults(tree, profile)
    entries = _entries(tree) if tree.data == "object" else {}
    if entries.keys() != {"name", "arguments"}:
        yield "shape"
        return
    name, arguments = entries["name"], entries["arguments"]
    if name.data != "json_string" or arguments.data != "object":
        yield "shape"
        return
    if not _json_string(name.children[0]):
        yield "shape"
    for value in _entries(arguments).values():
        yield from _future_faults(value, profile)


def _future_faults(node: Any, profile: Profile) -> Iterator[str]:
    entries = _entries(node) if node.data == "object" else {}
    if "$ref" not in entries:
        for child in entries.values() if entries else node.children:
            if isinstance(child, Tree):
                yield from _future_faults(child, profile)
        return
    ref, path = entries["$ref"], entries.get("path")
    is_path = path is None or (path.data == "array" and all(map(_is_step, path.children)))
    if ref.data != "json_string" or not is_path or not entries.keys() <= {"$ref", "path"}:
        yield "shape"
        return
    yield from _reference_faults(_json_string(ref.children[0]), profile)


def _is_step(node: Any) -> bool:
    is_integer = node.data == "json_number" and re.fullmatch("-?[0-9]+", _bare(node.children[0]))
    return node.data == "json_string" or bool(is_integer)
