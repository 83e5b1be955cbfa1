"""Calls in a server's own form: gathered from their parts as they come, and told as calls of CML."""

from contextlib import suppress
from typing import Final, cast

import msgspec

from cml.ast import Call, Value
from cml.printer import PrintError, render
from cml.profile import Profile
from model_adapters.openai_compat.arriving import whole_characters
from model_adapters.openai_compat.chat.history import NativeCall

_UNREADABLE: Final = "unreadable_arguments"


class FunctionDelta(msgspec.Struct, frozen=True):
    """What a part of a call says of its function."""

    name: str | None = None
    arguments: str | None = None


class CallDelta(msgspec.Struct, frozen=True):
    """A part of a call, as a chunk brings it."""

    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None


class WantedCall(msgspec.Struct):
    """A call of which parts have come; text may still be cut inside a character."""

    index: int
    key: str = ""
    function: str = ""
    arguments: str = ""


def take_part(wanted: list[WantedCall], delta: CallDelta) -> None:
    """Take a part of a call: of the last one with its index, or of one that begins with it.

    Some servers number all calls alike, or none, so a new key with a name begins a call; others send
    a new key with each part of one, but no name.
    """
    told = delta.function or FunctionDelta()
    fitting = (call for call in reversed(wanted) if delta.index in {None, call.index})
    call = next(fitting, None)
    if call is None or _begins_another(call, delta):
        last = wanted[-1].index if wanted else 0
        call = WantedCall(last if delta.index is None else delta.index)
        wanted.append(call)
    call.key = call.key or delta.id or ""
    call.function += told.name or ""
    call.arguments += told.arguments or ""


def _begins_another(call: WantedCall, delta: CallDelta) -> bool:
    if not (call.function and delta.function and delta.function.name):
        return False
    return delta.index is None if delta.id is None else delta.id != call.key


def is_whole(call: WantedCall) -> bool:
    """Whether a call of a message that was cut off had come to its end."""
    return _object(whole_characters(call.arguments)) is not None


def as_cml(call: NativeCall, profile: Profile) -> str:
    """Return a call as the context has it.

    Arguments that are no JSON object are told as they are, as one positional argument, and those that
    no body can hold under a name that no function has: the runtime answers what is wrong with them.
    """
    wanted = _read_call(call)
    as_told = Call(call.identifier, call.function, (), {_UNREADABLE: call.arguments})
    for told in (wanted, as_told):
        with suppress(PrintError, RecursionError):
            return render([told], profile)
    return render([Call(call.identifier, "unknown", (), {"call": call.function})], profile)


def _read_call(call: NativeCall) -> Call:
    read = _object(call.arguments)
    if read is None:
        return Call(call.identifier, call.function, (call.arguments,))
    return Call(call.identifier, call.function, (), read)


def _object(text: str) -> dict[str, Value] | None:
    """Return the object that a JSON text is; None where it is none."""
    with suppress(msgspec.DecodeError, RecursionError):
        read: object = msgspec.json.decode(text, type=dict[str, object])
        return cast("dict[str, Value]", read)  # what JSON can hold is a value
    return None
