"""Small faults: the reference with one decision taken the other way.

A fault is an edit of a function's source, or another value of a constant. It lasts as long as a
`with` block, whoever has imported the function: its code is exchanged, not its name.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

from interpreter import interrupts


@dataclass(frozen=True)
class Edit:
    """Another source of a function.

    Args:
        function: The function or method.
        right: A part of its source, which is there once.
        wrong: What stands there instead.
    """

    function: Callable[..., Any]
    right: str
    wrong: str


@dataclass(frozen=True)
class Other:
    """Another value of a constant of a module, or of a method of a class."""

    owner: ModuleType | type
    name: str
    value: object


@dataclass(frozen=True)
class Fault:
    """One decision, taken the other way.

    Args:
        decision: What is done instead, in words.
        rule: Where the text says that it is not done: the rule.
        edits: The change of the reference that does it.
    """

    decision: str
    rule: str
    edits: tuple[Edit | Other, ...]


@contextmanager
def committed(fault: Fault) -> Iterator[None]:
    """Make the reference commit a fault, for as long as the block lasts."""
    with ExitStack() as stack:
        for edit in fault.edits:
            stack.enter_context(_edited(edit) if isinstance(edit, Edit) else _other(edit))
        # What is remembered was read without the fault, and is then read with it.
        interrupts._short_fault.cache_clear()
        stack.callback(interrupts._short_fault.cache_clear)
        yield


@contextmanager
def _edited(edit: Edit) -> Iterator[None]:
    function = inspect.unwrap(edit.function)
    assert isinstance(function, FunctionType)
    before, function.__code__ = function.__code__, _code(function, edit)
    try:
        yield
    finally:
        function.__code__ = before


def _code(function: FunctionType, edit: Edit) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(edit.right) == 1, f"{function.__qualname__} has not one {edit.right!r}"
    tree = ast.parse(source.replace(edit.right, edit.wrong))
    assert isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef)
    tree.body[0].decorator_list = []
    if "__class__" in function.__code__.co_freevars:  # `super()` may be what is left out
        tree.body[0].body.append(
            ast.If(ast.Constant(False), [ast.Expr(ast.Name("__class__", ast.Load()))], [])
        )
    if "." in function.__qualname__:  # a method is compiled in a class, so that it knows `super`
        tree.body = [
            ast.ClassDef("Edited", bases=[], keywords=[], body=tree.body, decorator_list=[])
        ]
    ast.fix_missing_locations(tree)
    return _found(compile(tree, inspect.getfile(function), "exec"), function.__name__)


def _found(code: CodeType, name: str) -> CodeType:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return next((c for c in inner if c.co_name == name), None) or _found(inner[0], name)


@contextmanager
def _other(other: Other) -> Iterator[None]:
    before = getattr(other.owner, other.name)
    setattr(other.owner, other.name, other.value)
    try:
        yield
    finally:
        setattr(other.owner, other.name, before)
