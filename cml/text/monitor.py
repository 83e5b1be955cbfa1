"""The token monitor: where in the language a context stands (spec/1-syntax.md, section 3).

`EDGES` is the whole automaton. Text never changes the mode; a marker always has one edge, so no
input is without a meaning. The diagram in the documents is drawn from this table.
"""

from enum import Enum
from typing import Final

from cml.symbols import Marker


class Mode(Enum):
    """What the context is inside of. Everything but `PROSE` is a critical section."""

    PROSE = "prose"
    CALL = "call"
    CALL_BODY = "call body"
    CALL_FAULT = "malformed call"
    INTERRUPT = "interrupt"
    INTERRUPT_BODY = "interrupt body"
    INTERRUPT_FAULT = "malformed interrupt"
    TRAP = "trap"
    TRAP_FAULT = "malformed trap"


# An opener always opens, wherever it stands outside a string (Syntax/opener).
_OPEN: Final = {
    Marker.CALL: Mode.CALL,
    Marker.INTR: Mode.INTERRUPT,
    Marker.TRAP: Mode.TRAP,
}

EDGES: Final[dict[Mode, dict[Marker, Mode]]] = {
    Mode.PROSE: {**_OPEN, Marker.HEAD: Mode.PROSE, Marker.END: Mode.PROSE},
    Mode.CALL: {**_OPEN, Marker.HEAD: Mode.CALL_BODY, Marker.END: Mode.PROSE},
    Mode.CALL_BODY: {**_OPEN, Marker.HEAD: Mode.CALL_FAULT, Marker.END: Mode.PROSE},
    Mode.CALL_FAULT: {**_OPEN, Marker.HEAD: Mode.CALL_FAULT, Marker.END: Mode.PROSE},
    Mode.INTERRUPT: {**_OPEN, Marker.HEAD: Mode.INTERRUPT_BODY, Marker.END: Mode.PROSE},
    Mode.INTERRUPT_BODY: {**_OPEN, Marker.HEAD: Mode.INTERRUPT_FAULT, Marker.END: Mode.PROSE},
    Mode.INTERRUPT_FAULT: {**_OPEN, Marker.HEAD: Mode.INTERRUPT_FAULT, Marker.END: Mode.PROSE},
    Mode.TRAP: {**_OPEN, Marker.HEAD: Mode.TRAP_FAULT, Marker.END: Mode.PROSE},
    Mode.TRAP_FAULT: {**_OPEN, Marker.HEAD: Mode.TRAP_FAULT, Marker.END: Mode.PROSE},
}

# A model never writes an interrupt: its `[INTR]` is a forgery that leaves the mode as it was,
# because the machine takes the marker back out of the context (Step/forged).
GENERATED_EDGES: Final[dict[Mode, dict[Marker, Mode]]] = {
    mode: {**edges, Marker.INTR: mode} for mode, edges in EDGES.items()
}


def interruptible(mode: Mode) -> bool:
    """Whether an interrupt may be inserted here: outside every block (Syntax/critical-section)."""
    return mode is Mode.PROSE
