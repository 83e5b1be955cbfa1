"""A second reader of contexts, straight from the grammar: it accepts less, and agrees.

Python literals are valued by `ast.literal_eval` and JSON by `json`, so that the reader shares no
code with the package beyond the grammar.
"""

import ast
import json
import math
import re
import warnings
from typing import Any, TypeAlias

from lark import Lark, Token, Tree, UnexpectedInput

from cml import Body, Call, Context, Interrupt, OutcomeKind, Reference, Text, Trap
from cml.text.grammar import context_grammar

RESERVED = {"CALL", "INTR", "TRAP", "HEAD", "END", "True", "False", "None", "all"}
RESERVED |= {"true", "false", "null"}
RUNTIME = "(user|error|agent_(?=[A-Za-z_])[A-Za-z0-9_]*(?<=[A-Za-z_]))[0-9]+"
CONSTANTS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
SPACE = " \t\r\n"


# A tree or a token: which of them a child is, the grammar says, and its types do not.
Node: TypeAlias = Any


class Rejected(Exception):
    """The text is no context."""


def read_by_grammar(text: str, body: Body) -> Context | None:
    """Return the context, or None where the grammar or a rule for values rejects it."""
    try:
        tree = _grammar(body).parse(text)
        return Context(tuple(_items(_flat(tree), body)))
    except (UnexpectedInput, Rejected):
        return None


def _grammar(body: Body) -> Lark:
    return context_grammar(body)


def _flat(tree: Node) -> list[Node]:
    """The left-recursive list of text and blocks, in order."""
    reverse: list[Node] = []
    node: Node = tree
    while isinstance(node, Tree) and node.data in {"context", "open_text", "begun_text"}:
        children = list(node.children)
        inner = children.pop(0) if children and _is_text(children[0]) else None
        reverse += reversed(children)
        node = inner
    return reverse[::-1]


def _is_text(node: object) -> bool:
    return isinstance(node, Tree) and node.data in {"open_text", "begun_text"}


def _items(parts: list[Node], body: Body) -> list[Any]:
    items: list[Any] = []
    prose = ""
    for part in parts:
        if isinstance(part, Token):
            prose += part
            continue
        if prose:
            items.append(Text(_unescaped(prose, halve_end=True)))
            prose = ""
        items.append(_block(part, body))
    return [*items, Text(_unescaped(prose, halve_end=False))] if prose else items


def _unescaped(prose: str, *, halve_end: bool) -> str:
    end = r"|\Z" if halve_end else ""
    before = rf"(\\+)(?=\[(?:CALL|INTR|TRAP|HEAD|END)\]{end})"
    return re.sub(before, lambda run: "\\" * (len(run[1]) // 2), prose)


def _block(tree: Node, body: Body) -> Any:
    parts = [c for c in tree.children if not (isinstance(c, Tree) and c.data.startswith("m_"))]
    match tree.data:
        case "call":
            return _call(parts, body)
        case "interrupt":
            return _interrupt(parts)
        case _:
            return _trap(parts)


def _call(parts: list[Node], body: Body) -> Call:
    *heads, content = parts
    name_of_call = _identifier(heads[0].children[0]) if heads else None
    if body is Body.JSON:
        return _json_call(name_of_call, _json(content))
    function, *arguments = content.children
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for argument in arguments:
        if argument.data == "keyword":
            name, value = argument.children
            _require(_bare(name) not in kwargs)
            kwargs[_bare(name)] = _python(value)
        else:
            _require(not kwargs)
            args.append(_python(argument))
    return Call(name_of_call, ".".join(map(_bare, function.children)), tuple(args), kwargs)


def _json_call(identifier: str | None, value: Any) -> Call:
    _require(isinstance(value, dict) and set(value) == {"name", "arguments"})
    name, arguments = value["name"], value["arguments"]
    _require(isinstance(name, str) and isinstance(arguments, dict))
    _require(bool(name))
    return Call(
        identifier, name, (), {key: _with_references(entry) for key, entry in arguments.items()}
    )


def _interrupt(parts: list[Node]) -> Interrupt:
    name, *outcomes, content = parts
    word = _bare(outcomes[0].children[0]) if outcomes else "returned"
    _require(not outcomes or word in {"failed", "timeout", "cancelled", "progress"})
    value = _json(content)
    if word not in {"returned", "progress"}:
        _require(isinstance(value, dict) and set(value) == {"type", "message"})
        _require(all(isinstance(entry, str) for entry in value.values()))
    return Interrupt(_identifier(name), OutcomeKind(word), value)


def _trap(parts: list[Node]) -> Trap:
    listed = [_identifier(name) for name in parts]
    if listed == ["all"]:
        return Trap("all")
    _require(not any(n in RESERVED or re.fullmatch(RUNTIME, n) for n in listed))
    return Trap(tuple(listed) or None)


def _python(tree: Node, depth: int = 0) -> Any:
    _require(depth < 64)
    match tree.data:
        case "python_string":
            return _string(tree)
        case "number":
            return _number(_bare(tree.children[0]))
        case "array":
            return [_python(child, depth + 1) for child in tree.children]
        case "object":
            pairs = [(_string(e.children[0]), _python(e.children[1])) for e in tree.children]
            _require(len(dict(pairs)) == len(pairs) and "$ref" not in dict(pairs))
            return dict(pairs)
        case _:
            return _name(tree)


def _name(tree: Node) -> Any:
    name, *subscripts = tree.children
    if _bare(name) in CONSTANTS and not subscripts:
        return CONSTANTS[_bare(name)]
    _require(_identifier(name) not in RESERVED - {"all"})
    steps = [s.children[0] for s in subscripts]
    path = tuple(_string(s) if isinstance(s, Tree) else _number(_bare(s)) for s in steps)
    _require(all(isinstance(step, int | str) for step in path))
    return Reference(_bare(name), path)


def _string(tree: Node) -> str:
    return "".join(map(_literal, tree.children))


def _literal(token: str) -> str:
    is_raw = token[0] in "rR"
    try:
        _require(is_raw or r"\N" not in token.replace("\\\\", ""))
        # Two escapes are a pair, in four digits only; `\U` never is a half of one.
        _require(is_raw or re.search(r"\\U0000[dD][89a-fA-F]", token.replace("\\\\", "")) is None)
        with (
            warnings.catch_warnings()
        ):  # Python warns of unknown escapes; they stand for themselves
            warnings.simplefilter("ignore")
            # A raw NUL is fine in a CML string, and not in Python source.
            value = str(ast.literal_eval(token.replace("\x00", "\ue000")))
        value = value.replace("\ue000", "\x00") if "\x00" in token else value
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except (SyntaxError, UnicodeDecodeError):
        raise Rejected from None


def _number(literal: str) -> Any:
    _require(len(literal) <= 400)
    try:
        value = ast.literal_eval(literal)
    except SyntaxError:
        raise Rejected from None
    _require(re.fullmatch("[-+]?0[0-9_]+", literal) is None)
    _require(not isinstance(value, float) or math.isfinite(value))
    _require(not isinstance(value, int) or abs(value) < 10 ** (400 - (value < 0)))
    return value


def _json(tree: Node) -> Any:
    match tree.data:
        case "array":
            return [_json(child) for child in tree.children]
        case "object":
            pairs = [(_json_string(e.children[0]), _json(e.children[1])) for e in tree.children]
            _require(len(dict(pairs)) == len(pairs))
            return dict(pairs)
        case "json_string":
            return _json_string(tree.children[0])
        case _:
            literal = _bare(tree.children[0])
            return _number(literal) if tree.data == "json_number" else json.loads(literal)


def _json_string(token: Node) -> str:
    value = json.loads(token)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Rejected from None
    return str(value)


def _with_references(value: Any) -> Any:
    match value:
        case {"$ref": ref, **rest}:
            _require(isinstance(ref, str) and set(rest) <= {"path"})
            _require(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", ref) is not None)
            _require(len(ref) <= 64 and ref not in RESERVED - {"all"})
            path: Any = rest.get("path", [])
            _require(isinstance(path, list))
            _require(all(isinstance(s, str | int) and not isinstance(s, bool) for s in path))
            return Reference(ref, tuple(path))
        case dict():
            return {key: _with_references(entry) for key, entry in value.items()}
        case list():
            return [_with_references(entry) for entry in value]
        case _:
            return value


def _identifier(token: Node) -> str:
    _require(len(_bare(token)) <= 64)
    return _bare(token)


def _bare(token: Node) -> str:
    return str(token).rstrip(SPACE)


def _require(condition: bool) -> None:
    if not condition:
        raise Rejected
