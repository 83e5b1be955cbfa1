"""What calls of BFCL's multi-turn data really need, found by executing them (Time/data-bfcl).

The backends of that data are plain Python classes in the wheel of `bfcl-eval`; they are loaded from
it and run here (one of them needs mpmath: extra `bfcl`). The calls of a first turn are executed in
every order. An order is valid when every call returns what it returned in the order of the ground
truth and the final state is the same. One call needs another when it comes after it in all valid
orders, or when a value of the other's result stands among its arguments and not in the question.
"""

import ast
import importlib
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from interpreter.errors import missing_extra

Needs = tuple[tuple[int, ...], ...]
"""For each call the positions of the calls before it that it needs."""

MOST_CALLS: Final = 5
"""Longer turns are not permuted: each call of theirs needs the one before."""

_QUESTIONS: Final = "_multi_turn_base.json"
_PACKAGE: Final = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code."
_MODULES: Final = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}


class _Question(msgspec.Struct):
    """One line of the data file: where the backends begin, and what is asked."""

    id: str
    question: list[list[dict[str, str]]]
    initial_config: dict[str, dict[str, object]]
    involved_classes: list[str]


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
    questions = _read_questions(wheel)
    with _importing_from(wheel):
        return {name: _needs(questions[name], calls) for name, calls in turns.items()}


def _read_questions(wheel: Path) -> dict[str, _Question]:
    decoder = msgspec.json.Decoder(_Question)
    with zipfile.ZipFile(wheel) as archive:
        name = next(
            one
            for one in archive.namelist()
            if one.startswith("bfcl_eval/data/BFCL_v") and one.endswith(_QUESTIONS)
        )
        lines = archive.read(name).splitlines()
    questions = (decoder.decode(line) for line in lines if line.strip())
    return {question.id: question for question in questions}


@contextmanager
def _importing_from(wheel: Path) -> Iterator[None]:
    sys.path.insert(0, str(wheel))
    try:
        yield
    except ImportError as error:
        raise missing_extra("bfcl", error) from None
    finally:
        sys.path.remove(str(wheel))


def _needs(question: _Question, calls: Sequence[str]) -> Needs:
    chain = tuple((position - 1,) if position else () for position in range(len(calls)))
    if not 1 < len(calls) <= MOST_CALLS:
        return chain
    written = tuple(range(len(calls)))
    expected = _execute(question, calls, written)
    valid = [
        order
        for order in permutations(written)
        if order == written or _execute(question, calls, order) == expected
    ]
    before = {
        (first, second)
        for second in written
        for first in range(second)
        if all(order.index(first) < order.index(second) for order in valid)
    }
    if _orders(before, written) != set(valid):
        return chain  # No set of needs allows exactly the valid orders: stay on the safe side.
    asked = " ".join(message["content"] for turn in question.question for message in turn)
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
    question: _Question, calls: Sequence[str], order: tuple[int, ...]
) -> tuple[tuple[str, ...], str]:
    """Execute calls in some order: what each returned, by position, and the state at the end."""
    backends = [_open(name, question) for name in question.involved_classes]
    results = [""] * len(calls)
    for position in order:
        results[position] = repr(_call(backends, calls[position]))
    return tuple(results), "\n".join(_describe(backend, []) for backend in backends)


def _open(name: str, question: _Question) -> object:
    module = importlib.import_module(_PACKAGE + _MODULES[name])
    backend: object = getattr(module, name)()
    load = getattr(backend, "_load_scenario", None)
    if load is not None:
        load(deepcopy(question.initial_config.get(name, {})))
    return backend


def _call(backends: list[object], text: str) -> object:
    """Carry one call out: a method of a backend with constant arguments, and nothing else."""
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError(  # noqa: TRY004 (the data is at fault, not a caller's type)
            f"{text!r} is not a call of a function with constant arguments"
        )
    name = call.func.id
    args = [ast.literal_eval(one) for one in call.args]
    named = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
    method = next(
        getattr(one, name) for one in backends if not name.startswith("_") and hasattr(one, name)
    )
    try:
        result: object = method(*args, **named)
    except Exception as error:  # noqa: BLE001 (an outcome of the backend's like any other)
        return f"{type(error).__name__}: {error}"
    return result


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
