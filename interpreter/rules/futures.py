"""Futures: arguments that name the result of an earlier call (spec/3-semantics.md, section 6)."""

from cml.ast import Call, Json, OutcomeKind, Reference, Value
from cml.validity import references
from interpreter.state import State, has_returned


class PathError(LookupError):
    """A subscript that the result of the named call does not have."""


def resolve(call: Call, state: State) -> tuple[tuple[Json, ...], dict[str, Json]]:
    """Return the arguments of a call with every future replaced by its result.

    Raises:
        PathError: A result has no such element.
    """
    args = tuple(_resolve(value, state) for value in call.args)
    return args, {name: _resolve(value, state) for name, value in call.kwargs.items()}


def _resolve(value: Value, state: State) -> Json:
    match value:
        case Reference(ref, path):
            return _element(_result(ref, state), ref, path)
        case list():
            return [_resolve(entry, state) for entry in value]
        case dict():
            return {key: _resolve(entry, state) for key, entry in value.items()}
        case _:
            return value


def _result(identifier: str, state: State) -> Json:
    outcome = state.calls[identifier].outcome
    return None if outcome is None else outcome.value


def _element(value: Json, ref: str, path: tuple[str | int, ...]) -> Json:
    where = ref
    for step in path:
        where = f"{where}[{step!r}]"
        match value, step:
            case dict(), str() if step in value:
                value = value[step]
            case list(), int() if -len(value) <= step < len(value):
                value = value[step]
            case _:
                raise PathError(f"the result has no {where}")
    return value


def dependency_fault(call: Call, state: State) -> str | None:
    """Return why a call can never start, or None while it may (Settle/dependency)."""
    for name in references(call):
        outcome = state.calls[name].outcome
        if outcome is not None and outcome.kind is not OutcomeKind.RETURNED:
            return f"{name}, which it needs, did not return"
    if not is_ready(call, state):
        return None
    try:
        resolve(call, state)
    except PathError as error:
        return str(error)
    return None


def is_ready(call: Call, state: State) -> bool:
    """Whether all calls that a call names have returned."""
    return all(has_returned(state, name) for name in references(call))
