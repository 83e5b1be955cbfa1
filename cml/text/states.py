"""The modes of a context as the lexer needs them: what opens a string, where code ends.

Built once for each body language from the edges of `cml.text.monitor`.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cml.profile import Body
from cml.symbols import MARKER_PATTERN
from cml.text.literals import CALL_QUOTES, VALUE_QUOTES
from cml.text.monitor import EDGES, GENERATED_EDGES, Mode

_INTERRUPT_MODES: Final = {Mode.INTERRUPT, Mode.INTERRUPT_BODY, Mode.INTERRUPT_FAULT}
_CALL_MODES: Final = {Mode.CALL, Mode.CALL_BODY, Mode.CALL_FAULT}
_NO_MARKER: Final = rf"(?!{MARKER_PATTERN})\["


@dataclass(slots=True, eq=False)
class LexerState:
    """A mode as the lexer needs it.

    Args:
        mode: The mode.
        quotes: The characters that open a string; none in prose and traps.
        content: Matches code up to the next marker, or to a string that does not end here.
        sweep: Matches text and the marker after it, where nothing before that is to be looked at
            more closely.
        edges: The state after each marker, by its spelling.
    """

    mode: Mode
    quotes: str
    content: re.Pattern[str]
    sweep: re.Pattern[str]
    edges: dict[str, "LexerState"] = field(default_factory=dict)


@cache
def first_state(body: Body, *, generated: bool) -> LexerState:
    """Build the automaton of a body language; return its state for prose."""
    table = GENERATED_EDGES if generated else EDGES
    states = {mode: _state(mode, body) for mode in Mode}
    for mode, edges in table.items():
        states[mode].edges |= {marker.value: states[target] for marker, target in edges.items()}
    return states[Mode.PROSE]


def _state(mode: Mode, body: Body) -> LexerState:
    of_call = CALL_QUOTES[body] if mode in _CALL_MODES else ""
    quotes = VALUE_QUOTES if mode in _INTERRUPT_MODES else of_call
    content = _content(quotes)
    # In prose a run of backslashes before a `[` may escape it.
    before = rf"(?:[^\[\\]++|{_NO_MARKER}|\\++(?=[^\[\\]))*+" if mode is Mode.PROSE else content
    return LexerState(mode, quotes, re.compile(content), re.compile(rf"{before}({MARKER_PATTERN})"))


def _content(quotes: str) -> str:
    """Code without a marker: possessive throughout, so nothing is ever tried twice."""
    strings = [rf"{q}(?:[^{q}\\\r\n]++|\\[^\r\n])*+(?:{q}|\\?(?=[\r\n]))" for q in quotes]
    return "(?:" + "|".join([rf"[^\[{quotes}]++", *strings, _NO_MARKER]) + ")*+"
