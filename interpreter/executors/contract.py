"""The contract of an executor, as a check that any executor can be put to (spec/5-embedding.md).

A pool of threads or processes and a cluster's client all run calls in the same way; what they must
keep is little: each call started comes back once, with what it returned or raised.
"""

import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Final, TypeAlias

from cml.ast import Json, OutcomeKind
from interpreter.events import Outcome
from interpreter.tools.calling import call_function, outcome_of_future
from interpreter.tools.signature import Function

_PATIENCE_S: Final = 60.0
_MANY: Final = 20


class ExecutorError(AssertionError):
    """An executor broke the contract; the message names the clause and what came back."""


def echo(value: object = None) -> object:
    """Return the argument."""
    return value


def fail() -> None:
    """Raise an ordinary error."""
    raise ValueError("no such city")


def leave() -> None:
    """Try to end the process."""
    sys.exit(3)


def not_json() -> complex:
    """Return a value that JSON has no form for."""
    return 1j


_Case: TypeAlias = tuple[str, Function, dict[str, Json], OutcomeKind, Json]

_CASES: Final[tuple[_Case, ...]] = (
    (
        "a value",
        echo,
        {"value": {"a": [1, None, "[END]"]}},
        OutcomeKind.RETURNED,
        {"a": [1, None, "[END]"]},
    ),
    ("nothing", echo, {}, OutcomeKind.RETURNED, None),
    ("an error", fail, {}, OutcomeKind.FAILED, "ValueError"),
    ("an exit", leave, {}, OutcomeKind.FAILED, "SystemExit"),
    ("wrong arguments", echo, {"city": 1}, OutcomeKind.FAILED, "arguments"),
    ("no JSON value", not_json, {}, OutcomeKind.FAILED, "result"),
)


def check_executor(make: Callable[[], Executor]) -> None:
    """Put an executor to the contract.

    Args:
        make: Makes a fresh executor; the check shuts it down.

    Raises:
        ExecutorError: It broke a clause.
    """
    with make() as executor:
        for name, function, kwargs, kind, expected in _CASES:
            _check_case(
                name, _outcome(executor.submit(call_function, function, (), kwargs)), kind, expected
            )
        _check_many(executor)
        _check_notice(executor)


def _outcome(future: "Future[Outcome]") -> Outcome:
    done, _ = wait([future], timeout=_PATIENCE_S)
    if not done:
        raise ExecutorError(f"Embed/return: nothing came back within {_PATIENCE_S:.0f} s")
    return outcome_of_future(future)


def _check_case(name: str, outcome: Outcome, kind: OutcomeKind, expected: Json) -> None:
    value = outcome.value
    found = value.get("type") if kind is OutcomeKind.FAILED and isinstance(value, dict) else value
    if (outcome.kind, found) != (kind, expected):
        message = f"Embed/start: {name}: expected {kind.value} {expected!r}, found {outcome}"
        raise ExecutorError(message)


def _check_many(executor: Executor) -> None:
    futures = [executor.submit(call_function, echo, (), {"value": i}) for i in range(_MANY)]
    values = [_outcome(future).value for future in futures]
    if values != list(range(_MANY)):
        raise ExecutorError(f"Embed/return: {_MANY} calls came back as {values}")


def _check_notice(executor: Executor) -> None:
    """A callback is how a driver hears of an outcome: exactly once for each call."""
    noticed: list[object] = []
    future = executor.submit(call_function, echo, (), {"value": 1})
    future.add_done_callback(noticed.append)
    _outcome(future)
    executor.shutdown(wait=True)
    if len(noticed) != 1:
        raise ExecutorError(f"Embed/return: one call was noticed {len(noticed)} times")
