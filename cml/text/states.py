"""The modes of a context as the lexer needs them: what opens a string, where code ends.

Built once for each body language from the edges of `cml.text.monitor`.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cml.profile import Body
from cml.symbols import MARKER_PATTERN, Marker
from cml.text.code import NO_MARKER, Code
from cml.text.literals import CALL_QUOTES, VALUE_QUOTES
from cml.text.monitor import EDGES, GENERATED_EDGES, Mode

_INTERRUPT_MODES: Final = {Mode.INTERRUPT, Mode.INTERRUPT_BODY, Mode.INTERRUPT_FAULT}
_CALL_MODES: Final = {Mode.CALL, Mode.CALL_BODY, Mode.CALL_FAULT}
_HEAD, _END = Marker.HEAD.value, Marker.END.value
_FORGED: Final = re.escape(Marker.INTR.value)


@dataclass(slots=True, eq=False)
class LexerState:
    """A mode as the lexer needs it.

    Args:
        mode: The mode.
        code: How its strings are found; None in prose and traps, which have none.
        sweep: Matches text and the marker after it, where nothing before that is to be looked at
            more closely.
        edges: The state after each marker, by its spelling.
    """

    mode: Mode
    code: Code | None
    sweep: re.Pattern[str]
    edges: dict[str, "LexerState"] = field(default_factory=dict)

    def whole(self, text: str, begin: int, end: int) -> tuple[int, tuple[int, ...]] | None:
        """Return where a block ends, and where in it its [HEAD] stands, if it has one; None where
        anything else comes before its [END], or that has not come.

        Args:
            text: What there is.
            begin: Where in it the opener stands; this is the state after it.
            end: Where the opener ends.
        """
        heads: tuple[int, ...] = ()
        found = self.sweep.match(text, end)
        if found and found[1] == _HEAD:
            heads = (found.start(1) - begin,)
            found = self.edges[_HEAD].sweep.match(text, found.end())
        return (found.end(), heads) if found and found[1] == _END else None


@cache
def first_state(body: Body, *, generated: bool) -> LexerState:
    """Build the automaton of a body language; return its state for prose."""
    table = GENERATED_EDGES if generated else EDGES
    code = {
        **dict.fromkeys(_CALL_MODES, Code(CALL_QUOTES[body])),
        **dict.fromkeys(_INTERRUPT_MODES, Code(VALUE_QUOTES)),
    }
    states = {mode: _state(mode, code.get(mode), generated=generated) for mode in Mode}
    for mode, edges in table.items():
        states[mode].edges |= {marker.value: states[target] for marker, target in edges.items()}
    return states[Mode.PROSE]


def _state(mode: Mode, code: Code | None, *, generated: bool) -> LexerState:
    marker = MARKER_PATTERN
    if code:
        before = code.before_marker
        # A forged marker is taken back, and then it matters where it stood.
        marker = rf"(?!{_FORGED}){MARKER_PATTERN}" if generated else MARKER_PATTERN
    elif mode is Mode.PROSE:
        # A run of backslashes before a `[` may escape it.
        before = rf"(?:[^\[\\]++|{NO_MARKER}|\\++(?=[^\[\\]))*+"
    else:
        before = rf"(?:[^\[]++|{NO_MARKER})*+"
    return LexerState(mode, code, re.compile(rf"{before}({marker})"))
