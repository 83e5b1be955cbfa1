"""What a machine can change in a function: each change is small, as slips are.

The hand-made faults of `tests/reach` are decisions taken the other way. Both are edits of a
function's source. Text for people, which is put together or has a space in it, is left alone:
messages are free.
"""

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Final, NamedTuple, TypeAlias, TypeVar

from reach_faults import Edit

T = TypeVar("T")


class Mutant(NamedTuple):
    """A function with one small change.

    Args:
        function: Its name, with that of its module and class.
        change: What stood there, and what stands there now.
        edit: The change.
    """

    function: str
    change: str
    edit: Edit


def mutants_of(module: ModuleType) -> Iterator[Mutant]:
    """Yield every mutant of the functions and methods that a module defines."""
    short = module.__name__.removeprefix("interpreter.")
    for name, function in _functions(module, module.__name__):
        source = textwrap.dedent(inspect.getsource(function))
        seen: Counter[str] = Counter()
        for change, wrong in changed(source):
            seen[change] += 1
            told = change if seen[change] == 1 else f"{change} (place {seen[change]})"
            yield Mutant(f"{short}.{name}", told, Edit(function, source, wrong))


def _functions(owner: ModuleType | type, module: str) -> Iterator[tuple[str, FunctionType]]:
    """What is written in a module or class: properties too, and what decorators wrap."""
    for name, value in vars(owner).items():
        found = value
        if isinstance(found, property):
            found = found.fget
        elif isinstance(found, cached_property):
            found = found.func
        found = inspect.unwrap(found) if callable(found) else found
        if getattr(found, "__module__", None) != module:
            continue
        if inspect.isclass(found):
            yield from ((f"{name}.{inner}", method) for inner, method in _functions(found, module))
        elif isinstance(found, FunctionType) and found.__name__ == name:
            yield name, found


def changed(source: str) -> Iterator[tuple[str, str]]:
    """Yield each change of a function's source in words, with the source that it makes."""
    tree = ast.parse(source)
    for parent in _read(tree.body[0]):
        for name, value in _fields(parent):
            for index, node in enumerate(value if isinstance(value, list) else [value]):
                for words, other in _others(parent, node):
                    _put(parent, name, index, other)
                    yield words, ast.unparse(ast.fix_missing_locations(tree))
                    _put(parent, name, index, node)


_UNTOUCHED: Final = {"args", "decorator_list", "returns", "annotation"}
"""Of a function its signature, and what is made of it; and what a name is annotated with."""


def _fields(node: ast.AST) -> list[tuple[str, object]]:
    is_declared = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.AnnAssign)
    fields = ast.iter_fields(node)
    return [(name, value) for name, value in fields if not (is_declared and name in _UNTOUCHED)]


def _read(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function but for its signature, annotations, and text for people."""
    yield node
    for _, value in _fields(node):
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, ast.AST) and not isinstance(inner, ast.JoinedStr):
                yield from _read(inner)


def _put(parent: ast.AST, name: str, index: int, node: object) -> None:
    value = getattr(parent, name)
    if isinstance(value, list):
        value[index] = node
    else:
        setattr(parent, name, node)


# ---------------------------------------------------------------------------- the changes

Change: TypeAlias = tuple[str, ast.AST]
"""What is done, in words, and what stands there then."""

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_NAMES: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


def _others(parent: ast.AST, node: object) -> Iterator[Change]:
    """What may stand in the place of a node by mistake."""
    match node:
        case ast.stmt():
            yield from _other_statements(node)
        case ast.expr():
            if isinstance(parent, ast.If | ast.IfExp) and node is parent.test:
                for value in ("True", "False"):
                    yield f"if {_told(node)} → if {value}", ast.Name(value)
            others = (*_other_operations(node), *_other_names(node))
            yield from ((f"{_told(node)} → {_told(other)}", other) for other in others)
            yield from _with_less(parent, node)
        case ast.comprehension(target, iterated, conditions) if conditions:
            words = f"for {_told(target)} in {_told(iterated)} without"
            for left_out, rest in _without_one(conditions):
                yield f"{words} if {_told(left_out)}", ast.comprehension(target, iterated, rest, 0)
        case ast.match_case(pattern, guard, body) if guard:
            words = f"case {_told(pattern)} without if {_told(guard)}"
            yield words, ast.match_case(pattern, None, body)
        case ast.MatchOr(patterns):
            for left_out, rest in _without_one(patterns):
                words = f"case {_told(node)} without {_told(left_out)}"
                yield words, ast.MatchOr(rest) if len(rest) > 1 else rest[0]


def _other_statements(node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.Return(value) if value and _told(value) != "None":
            yield f"{_told(node)} → return None", ast.Return(ast.Constant(None))
        case (
            ast.Expr(ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom())
            | ast.Raise()
            | ast.Assign([ast.Attribute() | ast.Subscript()])
        ):
            yield f"without {_told(node)}", ast.Pass()
        case ast.AugAssign(target, operator, value):
            yield f"without {_told(node)}", ast.Pass()
            if other := _OPERATORS.get(type(operator)):
                changed = ast.AugAssign(target, other(), value)
                yield f"{_told(node)} → {_told(changed)}", changed
        case ast.Match(subject, cases) if len(cases) > 1:
            for left_out, rest in _without_one(cases):
                yield f"match without case {_told(left_out.pattern)}", ast.Match(subject, rest)
        case ast.While(test, body):
            once = ast.For(ast.Name("_"), ast.Name("'_'"), [ast.If(test, body, [])], [])
            yield f"while {_told(test)} → if", once if _breaks(body) else ast.If(test, body, [])
        case ast.For(target, iterated, body, orelse) | ast.AsyncFor(target, iterated, body, orelse):
            once = type(node)(target, iterated, [*body, ast.Break()], orelse)
            yield f"for {_told(target)} in {_told(iterated)} only once", once


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether something in a loop leaves it, or goes on to its next time."""
    inside = (inner for statement in body for inner in ast.walk(statement))
    return any(isinstance(inner, ast.Break | ast.Continue) for inner in inside)


def _other_operations(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, [operator], right):
            yield from (ast.Compare(left, [o()], right) for o in _COMPARISONS[type(operator)])
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            for _, rest in _without_one(values):
                yield ast.BoolOp(operator, rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.BinOp(left, operator, right) if other := _OPERATORS.get(type(operator)):
            yield ast.BinOp(left, other(), right)


def _other_names(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(str(value)) if " " not in value:
            yield ast.Constant("" if value else "x")
        case ast.Name(name) if name in _NAMES:
            yield ast.Name(_NAMES[name])


def _with_less(parent: ast.AST, node: ast.expr) -> Iterator[Change]:
    """A call without one of its named arguments, a tuple or a set without one of its elements; not a
    tuple that is taken apart.
    """
    match node:
        case ast.Call(function, args, named):
            for left_out, rest in _without_one(named):
                words = f"{_told(function)}(…) without {_told(left_out)}"
                yield words, ast.Call(function, args, rest)
        case ast.Tuple(elements, ast.Load()) | ast.Set(elements):
            if isinstance(parent, ast.Return | ast.Subscript | ast.Assign | ast.Match):
                return
            for left_out, rest in _without_one(elements):
                words = f"{_told(node)} without {_told(left_out)}"
                yield words, ast.Tuple(rest, ast.Load())


def _without_one(nodes: list[T]) -> list[tuple[T, list[T]]]:
    return [(node, [*nodes[:index], *nodes[index + 1 :]]) for index, node in enumerate(nodes)]


def _told(node: ast.AST) -> str:
    """A node in one line."""
    return " ".join(ast.unparse(node).split())
