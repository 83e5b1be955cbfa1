"""What calls of BFCL's multi-turn data really need, found by executing them (Time/data-bfcl).

The calls of a first turn are executed in every order, on the backends of that data
(`bfcl_backends.py`). An order is valid when every call returns what it returned in the order of the
ground truth and the final state is the same. One call needs another when it comes after it in all
valid orders, or when a value of the other's result stands among its arguments and not in the question.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from interpreter.schedule.data.bfcl_backends import (
    CallError,
    Scenario,
    call_written,
    load_classes,
    open_backends,
    read_scenarios,
)

Needs = tuple[tuple[int, ...], ...]
"""For each call the positions of the calls before it that it needs."""

Open: TypeAlias = Callable[[], list[object]]
"""Opens the backends of a sample, where they begin."""

MOST_CALLS: Final = 5
"""Longer turns are not permuted: each call of theirs needs the one before."""


def find_needs(wheel: Path, turns: Mapping[str, Sequence[str]]) -> dict[str, Needs]:
    """Find what the calls of first turns need.

    Args:
        wheel: The wheel of bfcl-eval, whose code is run.
        turns: For each sample the calls of its first turn, in Python call syntax.

    Returns:
        Needs of each sample.

    Raises:
        MissingExtraError: A package that a backend needs is not installed.
        KeyError: The wheel has no such sample.
    """
    known = read_scenarios(wheel)
    scenarios = {name: known[name] for name in turns}
    classes = load_classes(wheel, scenarios.values())
    return {
        name: _needs(partial(open_backends, scenarios[name], classes), scenarios[name], calls)
        for name, calls in turns.items()
    }


def _needs(open_all: Open, scenario: Scenario, calls: Sequence[str]) -> Needs:
    chain = tuple((position - 1,) if position else () for position in range(len(calls)))
    if not 1 < len(calls) <= MOST_CALLS:
        return chain
    written = tuple(range(len(calls)))
    expected = _execute(open_all, calls, written)
    valid = [
        order
        for order in permutations(written)
        if order == written or _execute(open_all, calls, order) == expected
    ]
    before = {
        (first, second)
        for second in written
        for first in range(second)
        if all(order.index(first) < order.index(second) for order in valid)
    }
    if _orders(before, written) != set(valid):
        return chain  # No set of needs allows exactly the valid orders: stay on the safe side.
    asked = " ".join(message["content"] for turn in scenario.question for message in turn)
    before |= {
        (first, second)
        for second in written
        for first in range(second)
        if _flows(expected[0][first], calls[second], asked)
    }
    return tuple(
        tuple(first for first in range(second) if (first, second) in before) for second in written
    )


def _orders(before: set[tuple[int, int]], calls: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Return every order that respects some needs."""
    return {
        order
        for order in permutations(calls)
        if all(order.index(first) < order.index(second) for first, second in before)
    }


def _execute(
    open_all: Open, calls: Sequence[str], order: tuple[int, ...]
) -> tuple[tuple[str, ...], str]:
    """Execute calls in some order: what each returned, by position, and the state at the end."""
    backends = open_all()
    results = [""] * len(calls)
    for position in order:
        results[position] = repr(_result(backends, calls[position]))
    return tuple(results), "\n".join(_describe(backend, []) for backend in backends)


def _result(backends: Sequence[object], text: str) -> object:
    try:
        return call_written(backends, text)
    except CallError as error:
        return str(error)


def _describe(value: object, above: list[int]) -> str:
    """Write a state down, whatever objects it is made of; a circle ends where it closes."""
    if id(value) in above:
        return "…"
    inside = [*above, id(value)]
    if isinstance(value, dict):
        # Two dictionaries are the same in whatever order they were filled.
        items = sorted(f"{key!r}:{_describe(one, inside)}" for key, one in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_describe(one, inside) for one in value) + "]"
    if hasattr(value, "__dict__"):
        return type(value).__name__ + _describe(vars(value), inside)
    return _describe_leaf(value)


def _describe_leaf(value: object) -> str:
    match value:
        case datetime():
            return "a time"  # When something was touched is no state: it differs in every run.
        case Random():
            return str(hash(value.getstate()))
        case _:
            return repr(value)


def _flows(result: str, call: str, asked: str) -> bool:
    """Whether a value of a result stands in a call and was not in the question."""
    return any(
        value in call and value not in asked
        for value in _values(ast.literal_eval(result) if _is_literal(result) else result)
    )


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def _values(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from _values(one)
    elif not isinstance(value, bool) and value is not None and len(str(value)) > 2:
        yield str(value)
