"""The grammar of what a model may write next, made from the signatures of its tools.

It is the language of spec/1-syntax.md in its canonical spelling, cut down to calls that fit a
signature: arguments by name and in order, one space where there is one, the next free identifier.
`[INTR]` is in no rule. llguidance reads it; its lexer cannot back up, so text that is no marker is
spelled in pieces, none of which ever has to be taken back.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from cml.literals import write_python_string
from cml.symbols import Marker
from interpreter.tools.signature import (
    Choice,
    Integer,
    ListOf,
    Number,
    OrNone,
    Parameter,
    ParameterType,
    Text,
    ToolSignature,
    Truth,
)

LONGEST_STRING: Final = 400

_HEADER: Final = "%llguidance {}\n"
_TERMINALS: Final = rf"""
STRING: /"([^"\\\x00-\x1f\x7f]|\\["'\\nrt]){{0,{LONGEST_STRING}}}"/
INTEGER: /-?(0|[1-9][0-9]{{0,15}})/
NUMBER: /-?(0|[1-9][0-9]{{0,15}})(\.[0-9]{{1,15}})?/
GAP: /[ \n]/
"""
_PLAIN_PROSE: Final = r"""
prose: open
open: | open RUN
RUN: /[^\[\\]+/
"""
# `open` may be followed by anything; `begun` ends in a part of a marker, so no plain run follows
# it; `held` ends in backslashes, so no block follows it (Syntax/escape).
_PROSE: Final = r"""
prose: open | begun | held
before_block: open | begun
open: | open RUN | held RUN | open NO_MARKER | begun NO_MARKER | held NO_MARKER
begun: open BEGUN | begun BEGUN | held BEGUN
held: open BACKSLASHES | begun BACKSLASHES
RUN: /[^\[\\]+/
BACKSLASHES: /\\+/
"""

_SIMPLE: Final[dict[type[ParameterType], str]] = {
    Text: "STRING",
    Integer: "INTEGER",
    Number: "NUMBER",
    Truth: '("True" | "False")',
}


class Segment(msgspec.Struct, frozen=True):
    """Where the model stands: what it may write until the runtime next appends something.

    Args:
        first: Number of the next free identifier, as in `job3`.
        required: Calls that have to come before anything else.
        at_most: Calls that may come at all.
        pending: Whether a call is pending, so that a trap has something to wait for.
        brackets: Whether prose may hold square brackets and backslashes.
    """

    first: int = 1
    required: int = 0
    at_most: int = 16
    pending: bool = False
    brackets: bool = True


def segment_grammar(tools: Sequence[ToolSignature], segment: Segment) -> str:
    """Return the grammar of one segment, in llguidance's dialect of Lark's syntax.

    Args:
        tools: What may be called; with none, there are no calls.
        segment: Where the model stands.
    """
    prose = _PROSE + _marker_terminals() if segment.brackets else _PLAIN_PROSE
    rules = [*_blocks(segment, segment.at_most if tools else 0), *_tools(tools)]
    return _HEADER + "\n".join(rules) + prose + _TERMINALS


def _blocks(segment: Segment, at_most: int) -> Iterator[str]:
    """Rules for `calls_n`, n calls are written, and `trap_n`, then a trap came.

    They are left-recursive: what is behind costs nothing. What a trap waits for begins a new
    segment, so it is followed by no second one.
    """
    required = min(segment.required, at_most)
    prose = "before_block" if segment.brackets else "open"
    starts = []
    for written in range(at_most + 1):
        gap = "GAP?" if written <= required else prose
        call = f'"[CALL] job{segment.first + written - 1} [HEAD] " tool " [END]"'
        places = [f"{kind}_{written - 1}" for kind in _stands(written - 1, required, segment)]
        yield f"calls_{written}: " + " | ".join(f"{place} {gap} {call}" for place in places)
        stands = _stands(written, required, segment)
        if "trap" in stands:
            yield f'trap_{written}: calls_{written} {prose} "[TRAP][END]"'
        if written >= required:
            starts += [f"{kind}_{written} prose" for kind in stands]
    yield f"start: {' | '.join(starts)}"


def _stands(written: int, required: int, segment: Segment) -> tuple[str, ...]:
    """Where the model can stand after so many calls."""
    if written < 0:
        return ()
    may_trap = written >= required and (written > 0 or segment.pending)
    return ("calls", "trap") if may_trap else ("calls",)


def _tools(tools: Sequence[ToolSignature]) -> Iterator[str]:
    if tools:
        yield "tool: " + " | ".join(f"tool_{number}" for number in range(len(tools)))
    for number, tool in enumerate(tools):
        opening = _quoted(f"{tool.name}(")
        yield f'tool_{number}: {opening} first_{number}_0 ")"'
        yield from _arguments(number, tool.parameters)


def _arguments(tool: int, parameters: tuple[Parameter, ...]) -> Iterator[str]:
    """Rules for the arguments from the n-th on: `first_` where none is written yet, `more_` after."""
    for number, parameter in enumerate(parameters):
        argument = f"{_quoted(f'{parameter.name}=')} {_value(parameter.type)}"
        following = f"{tool}_{number + 1}"
        for kind, comma in (("first", ""), ("more", '", " ')):
            left_out = "" if parameter.required else f" | {kind}_{following}"
            yield f"{kind}_{tool}_{number}: {comma}{argument} more_{following}{left_out}"
    yield f"first_{tool}_{len(parameters)}:"
    yield f"more_{tool}_{len(parameters)}:"


def _value(kind: ParameterType) -> str:
    match kind:
        case Text() | Integer() | Number() | Truth():
            return _SIMPLE[type(kind)]
        case Choice(values):
            return f"({' | '.join(map(_constant, values))})"
        case ListOf(item):
            return f'"[" ({_value(item)} (", " {_value(item)})*)? "]"'
        case OrNone(value):
            return f'({_value(value)} | "None")'


def _constant(value: str | int | bool | None) -> str:
    return _quoted(write_python_string(value) if isinstance(value, str) else repr(value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _marker_terminals() -> str:
    """Terminals for a `[` that opens no marker, from the names of the markers.

    It is certain to open none as soon as a character follows that does not continue one. Where a
    `[`, a backslash or the end follows instead, it is certain as well, but it stands alone.
    """
    spellings = [marker.value for marker in Marker]
    begun = sorted({spelling[:n] for spelling in spellings for n in range(1, len(spelling))})
    broken_off = (
        re.escape(part)
        + "[^"
        + "".join(re.escape(s[len(part)]) for s in sorted(spellings) if s.startswith(part))
        + r"\[\\]"
        for part in begun
    )
    return f"NO_MARKER: /{'|'.join(broken_off)}/\nBEGUN: /{'|'.join(map(re.escape, begun))}/\n"
