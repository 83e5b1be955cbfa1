"""Which of llama.cpp's slots a session keeps its context in.

A request goes to a slot that is idle. Right after a stream was broken off its slot is not, for as
long as one more token takes; the next request of the session would then go to another slot, and be
read anew from its beginning. A session that names its slot waits for it instead.
"""

from collections import defaultdict
from threading import Lock
from typing import Final

import msgspec

_HELD: Final[defaultdict[str, set[int]]] = defaultdict(set)
"""By address: the slots that sessions of this process hold."""

_LOCK: Final = Lock()


class _Slot(msgspec.Struct, frozen=True):
    id: int
    is_processing: bool = False


def hold_slot(address: str, told: object) -> int | None:
    """Return a slot that is idle, for a session to keep; None where there is none.

    Args:
        address: Of the server.
        told: What the server says of its slots.
    """
    try:
        slots = msgspec.convert(told, list[_Slot])
    except msgspec.ValidationError:
        return None
    with _LOCK:
        idle = {slot.id for slot in slots if not slot.is_processing} - _HELD[address]
        if not idle:
            return None
        held = min(idle)
        _HELD[address].add(held)
        return held


def release_slot(address: str, held: int | None) -> None:
    """Let other sessions keep a slot."""
    with _LOCK:
        _HELD[address] -= {held}
