"""The grammar of what a model may write next, made from its tools and from where it stands.

It is the language of spec/1-syntax.md in its canonical spelling, cut down to calls that fit a tool:
arguments by name and in order, one space where there is one, the next free identifier. `[INTR]` is
in no rule. llguidance reads it; its lexer cannot back up, so text that is no marker is spelled in
pieces, none of which ever has to be taken back.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from cml.profile import Body, Level
from cml.symbols import BEGUN_PATTERN, NO_MARKER_PATTERN
from interpreter.tools.declared import Tool
from interpreter.tools.schema import as_schema, properties, required
from model_adapters.constraint.future_grammar import FUTURE, EarlierCall, future_lines
from model_adapters.constraint.value_grammar import FieldRule, ValueGrammar, quoted

CANCEL: Final = "cancel"

_HEADER: Final = "%llguidance {}\n"
_GAP: Final = "GAP: /[ \\n]/\n"
_PLAIN_PROSE: Final = r"""
prose: open
open: | open RUN
RUN: /[^\[\\]+/
"""
# `open` may be followed by anything; `begun` ends in a part of a marker, so no plain run follows
# it; `held` ends in backslashes, so no block follows it (Syntax/escape).
_PROSE: Final = rf"""
prose: open | begun | held
before_block: open | begun
open: | open RUN | held RUN | open NO_MARKER | begun NO_MARKER | held NO_MARKER
begun: open BEGUN | begun BEGUN | held BEGUN
held: open BACKSLASHES | begun BACKSLASHES
RUN: /[^\[\\]+/
BACKSLASHES: /\\+/
NO_MARKER: /{NO_MARKER_PATTERN}/
BEGUN: /{BEGUN_PATTERN}/
"""


class Stretch(msgspec.Struct, frozen=True):
    """Where the model stands: what it may write until a call of its is complete, or the runtime
    appends something.

    Args:
        number: Number of the next free identifier, as in `job3`.
        required: Calls that have to come before anything else.
        at_most: Calls that may come at all.
        pending: The calls that a trap can wait for.
        earlier: The calls that a future can name.
        undeclared: Whether it may go into a result of which nothing is declared.
        may_trap: Whether a trap may come: not two with nothing between.
        body: The language of the bodies.
        level: How much of the language it may use.
        brackets: Whether prose may hold square brackets and backslashes.
        goes_over: Whether one token may go over the end of a call.
        end_token: What ends an answer, as in `<|im_end|>`, where the engine has to be told.
    """

    number: int = 1
    required: int = 0
    at_most: int = 1
    pending: tuple[str, ...] = ()
    earlier: tuple[EarlierCall, ...] = ()
    undeclared: bool = True
    may_trap: bool = True
    body: Body = Body.PYTHON
    level: Level = Level.EXTENDED
    brackets: bool = True
    goes_over: bool = True
    end_token: str | None = None


def stretch_grammar(
    tools: Sequence[Tool], stretch: Stretch, is_pattern: Callable[[str], bool]
) -> str:
    """Return the grammar of one stretch, in llguidance's dialect of Lark's syntax.

    Args:
        tools: What may be called, with the names that bodies write; with none, there are no calls.
        stretch: Where the model stands.
        is_pattern: Whether the engine can take a pattern of JSON Schema.
    """
    has_futures = bool(stretch.earlier) and stretch.level is not Level.CORE
    values = ValueGrammar(stretch.body, FUTURE if has_futures else None, is_pattern)
    futures = (
        [*future_lines(stretch.earlier, values, stretch.body, undeclared=stretch.undeclared)]
        if has_futures
        else []
    )
    calls = [*_calls(tools, values, stretch.body), *_cancel(tools, stretch)]
    rules = [
        *_blocks(stretch, has_calls=bool(calls) and stretch.at_most > 0),
        *([f"call: {' | '.join(calls)}"] if calls else []),
        *values.lines,
        *futures,
    ]
    prose = _PROSE if stretch.brackets else _PLAIN_PROSE
    return _HEADER + "\n".join(rules) + prose + _GAP


def _blocks(stretch: Stretch, *, has_calls: bool) -> Iterator[str]:
    """What may come: prose, perhaps a trap, perhaps a call.

    After the call a model is somewhere else. Where one token may go over its end, there follows what
    may begin the stretch that comes then.
    """
    before = "before_block" if stretch.brackets else "open"
    number = stretch.number
    opening = quoted(f"[CALL] job{number} [HEAD] ")
    following = quoted(f"[CALL] job{number + 1} [HEAD] ")
    if stretch.required and has_calls:
        gap, after = "GAP?", "GAP?" if stretch.required > 1 else before
        start = []
    else:
        gap = after = before
        start = ["prose"]
    if has_calls:
        more = f" {following}?" if stretch.at_most > 1 else ""
        end = "" if stretch.required > 1 and stretch.at_most > 1 else " | prose"
        yield f"tail: {after}{more}{end}" if stretch.goes_over else 'tail: ""'
        start.append(f'{gap} {opening} call " [END]" tail')
    if stretch.pending and stretch.may_trap and not (stretch.required and has_calls):
        start += [f"{before} trap {one}" for one in start]
        yield from _trap(stretch)
    end = f" {stretch.end_token}?" if stretch.end_token else ""
    yield f"start: ({' | '.join(start)}){end}"


def _trap(stretch: Stretch) -> Iterator[str]:
    traps = ['"[TRAP][END]"']
    if stretch.level is Level.EXTENDED:
        traps += ['"[TRAP] all [END]"', '"[TRAP] " awaited_0 " [END]"']
        # Each call at most once, in the order in which they were written.
        for place, name in enumerate(stretch.pending):
            others = range(place + 1, len(stretch.pending))
            rest = " | ".join(f'", " from_{n}' for n in others)
            yield f"from_{place}: {quoted(name)}" + (f" ({rest})?" if rest else "")
        yield f"awaited_0: {' | '.join(f'from_{n}' for n in range(len(stretch.pending)))}"
    yield f"trap: {' | '.join(traps)}"


def _calls(tools: Sequence[Tool], values: ValueGrammar, body: Body) -> Iterator[str]:
    for tool in tools:
        if (arguments := _arguments(tool, values, body)) is not None:
            opening, closing = _around(tool.name, body)
            yield f"{quoted(opening)} {arguments} {quoted(closing)}"


def _around(name: str, body: Body) -> tuple[str, str]:
    """What stands before and after the arguments of a call."""
    match body:
        case Body.PYTHON:
            return f"{name}(", ")"
        case Body.JSON:
            return f'{{"name": {quoted(name)}, "arguments": {{', "}}"


def _arguments(tool: Tool, values: ValueGrammar, body: Body) -> str | None:
    """Return the rule for the arguments of a tool; None if no arguments fit it."""
    root = tool.parameters
    named, needed = properties(root), required(root)
    is_python = body is Body.PYTHON
    entries = []
    for name, schema in named.items():
        value = values.value(schema, root)
        if value is None and name in needed:
            return None
        if value is not None:
            opening = quoted(f"{name}=" if is_python else f"{quoted(name)}: ")
            entries.append(FieldRule(opening, value, name in needed))
    if {*needed} - {*named}:
        return None
    others = root.get("additionalProperties", not named)
    free = None if others is False else values.value(as_schema(others), root)
    if free is None:
        return values.entries(entries, None)
    key = values.free_name(named) if is_python else f'{values.free_key(named)} ": "'
    return values.entries(entries, values.rule(f"{key} {free}"))


def _cancel(tools: Sequence[Tool], stretch: Stretch) -> Iterator[str]:
    """The built-in `cancel`, unless the host has a function of that name."""
    is_own = any(tool.name == CANCEL for tool in tools)
    is_free = stretch.level is Level.EXTENDED and not is_own and not stretch.required
    if not (is_free and stretch.pending and tools):
        return
    opening, closing = _around(CANCEL, stretch.body)
    if stretch.body is Body.JSON:
        opening, closing = f'{opening}"id": {{"$ref": "', f'"}}{closing}'
    names = " | ".join(map(quoted, stretch.pending))
    yield f"{quoted(opening)} ({names}) {quoted(closing)}"
