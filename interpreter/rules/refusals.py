"""Why a well-formed call may still not start (spec/3-semantics.md, Step/refused)."""

from difflib import get_close_matches
from typing import Final

import msgspec

from cml.ast import Call, Reference
from cml.profile import Body, Level, Profile
from cml.text.identifiers import identifier_fault, reserved_fault
from cml.validity import references
from cml.wording import counted
from interpreter.state import State

CANCEL: Final = "cancel"
_NAMED: Final = 20


class Refusal(msgspec.Struct, frozen=True):
    """A fault of a call that could be read.

    Args:
        kind: The `type` that the model is told, one of `FAILURES`.
        message: What is wrong, and what to do.
    """

    kind: str
    message: str


def refusal(state: State, call: Call) -> Refusal | None:
    """Return why a call must not start, or None if it may."""
    return (
        _identifier(state, call)
        or _function(state, call)
        or _named(state, call)
        or _limit(state, call)
    )


def cancel_target(call: Call, profile: Profile) -> str | None:
    """Return the identifier that a call of the built-in `cancel` names, as a reference or as a
    string, by its only argument, positional or `id`; None if it names none so.
    """
    match call.args, call.kwargs:
        case ([argument], {**rest}) if not rest:
            pass
        case ((), {"id": argument, **rest}) if not rest:
            pass
        case _:
            return None
    match argument:
        case Reference(ref, ()):
            return ref
        case str() if identifier_fault(argument, profile) is None:
            return argument
        case _:
            return None


def is_cancel(state: State, call: Call) -> bool:
    """Whether a call is one of the built-in `cancel`, which a host's function may replace."""
    functions = state.settings.functions or ()
    extended = state.settings.profile.level is Level.EXTENDED
    return extended and call.function == CANCEL and CANCEL not in functions


def _identifier(state: State, call: Call) -> Refusal | None:
    if call.id is None:
        return None
    if fault := reserved_fault(call.id):
        return Refusal("reserved_identifier", f"{fault}; choose another, such as call1")
    if call.id in state.calls:
        message = f"the identifier {call.id} was used before; choose a new one"
        return Refusal("duplicate_identifier", message)
    return None


def _function(state: State, call: Call) -> Refusal | None:
    functions = state.settings.functions
    if functions is None or call.function in functions or is_cancel(state, call):
        return None
    message = f"there is no function {call.function}; {_there_are(functions, call.function)}"
    return Refusal("unknown_function", message)


def _there_are(functions: tuple[str, ...], wanted: str) -> str:
    """Name the functions; of many, those that are spelled most alike."""
    if len(functions) <= _NAMED:
        return f"there are: {', '.join(functions)}"
    near = get_close_matches(wanted, functions, _NAMED) or functions[:_NAMED]
    return f"of the {len(functions)} that there are, the nearest: {', '.join(near)}"


def _named(state: State, call: Call) -> Refusal | None:
    named: tuple[str, ...] = references(call)
    if is_cancel(state, call):
        target = cancel_target(call, state.settings.profile)
        if target is None:
            return Refusal("arguments", f"cancel takes one identifier; write {_cancelling(state)}")
        named = (target,)
    unknown = [name for name in named if name not in state.calls]
    if not unknown:
        return None
    message = f"no earlier call has the identifier {', '.join(unknown)}"
    meant = "" if is_cancel(state, call) else f'; for text write "{unknown[0]}"'
    return Refusal("unknown_identifier", message + meant)


def _cancelling(state: State) -> str:
    """How a call is cancelled in the session's language: the last that is not settled, if any."""
    named = (key for key in reversed(state.unsettled) if not key.startswith("#"))
    name = next(named, "a")
    if state.settings.profile.body is Body.PYTHON:
        return f"{CANCEL}({name})"
    return f'{{"name": "{CANCEL}", "arguments": {{"id": "{name}"}}}}'


def _limit(state: State, call: Call) -> Refusal | None:
    if is_cancel(state, call):  # it runs nothing, and makes room
        return None
    limits = state.settings.profile.limits
    if len(state.calls) >= limits.calls:
        message = f"a session has at most {counted(limits.calls, 'call')}; go on without"
    elif len(state.unsettled) >= limits.pending_calls:
        most = counted(limits.pending_calls, "call")
        message = f"at most {most} may be pending at once; wait for one to come back"
    else:
        return None
    return Refusal("limit", message)
