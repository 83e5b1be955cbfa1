"""`[TRACE]` lines of the AsyncLM inferlet of Pie, with the `[AsyncLM]` lines between them.

A line is `[TRACE] v=async t=12 kind=dispatch id=w1 dur=-1 tok=7 sub=`, its time in milliseconds. What
was called and what came back stands only in the lines for people, where the log has them.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from cml.ast import Call, Interrupt, OutcomeKind
from cml.parser import parse
from cml.profile import Body
from interpreter.events import Outcome
from interpreter.exchange.happenings import (
    CallAnswered,
    ForeignError,
    Format,
    Happening,
    ModelCalled,
    ModelWaits,
    NotCarried,
)

_TRACE: Final = "[TRACE] "
_LINE: Final = re.compile(
    r"\[TRACE\] v=(\S*) t=(\d+) kind=(\w+) id=(.*?) dur=(-?\d+) tok=(-?\d+) sub=(.*)"
)
_DISPATCHING: Final = re.compile(r"\[AsyncLM\] dispatching id=(\S+) code=(.*)")
_INJECTED: Final = re.compile(r"\[AsyncLM\] \S*inject: (\[INTR\] .*)")
_UNRECORDED: Final = "unrecorded"


class _Said(msgspec.Struct):
    """What the lines for people say.

    Args:
        codes: The body of each call, by its identifier.
        values: What each call came to, by its identifier.
    """

    codes: dict[str, str] = {}
    values: dict[str, Outcome] = {}


def _read(text: str) -> Iterator[Happening]:
    lines = text.splitlines()
    said = _said(lines)
    found = False
    for number, line in enumerate(lines, start=1):
        begin = line.find(_TRACE)
        if begin < 0:
            continue
        match = _LINE.fullmatch(line[begin:].rstrip())
        if match is None:
            message = "expected [TRACE] v=… t=… kind=… id=… dur=… tok=… sub=…"
            raise ForeignError(number, message)
        found = True
        at_us = int(match[2]) * 1_000
        yield from _happening(number, at_us, match[3], match[4], said)
    if not found:
        raise ForeignError(1, "no line has [TRACE]; the inferlet writes them with enable_trace")


def _said(lines: list[str]) -> _Said:
    said = _Said()
    for line in lines:
        if match := _DISPATCHING.search(line):
            said.codes[match[1]] = match[2]
        elif match := _INJECTED.search(line):
            for item in parse(f"[CALL] _ [HEAD] f() [END] {match[1]}").items:
                if isinstance(item, Interrupt):
                    said.values[item.id] = Outcome(OutcomeKind.RETURNED, item.value)
    return said


def _happening(line: int, at_us: int, kind: str, call: str, said: _Said) -> Iterator[Happening]:
    match kind:
        case "dispatch":
            yield _call(line, at_us, call, said.codes.get(call))
        case "ready":
            nothing = Outcome(OutcomeKind.RETURNED, None)
            if call not in said.values:
                yield NotCarried(line, "results")
            yield CallAnswered(line, call, said.values.get(call, nothing), at_us)
        case "trap_start":
            yield ModelWaits(line, at_us)
        case "inject" | "trap_end" | "run_start" | "run_end":
            pass  # the machine works these out
        case "decode_step" | "checkpoint":
            yield NotCarried(line, "steps and checkpoints")
        case _:
            raise ForeignError(line, f"the kind {kind!r} is unknown")


def _call(line: int, at_us: int, call: str, code: str | None) -> ModelCalled:
    if code is None:
        return ModelCalled(line, call, _UNRECORDED, at_us=at_us)
    items = parse(f"[CALL] {code} [END]").items
    match items:
        case [Call(function=function, args=args, kwargs=kwargs)]:
            plain = msgspec.to_builtins((args, kwargs))
            return ModelCalled(line, call, function, plain[1], tuple(plain[0]), at_us=at_us)
        case _:
            fault = f"{code!r:.60} is not one call of a named function with literal arguments"
            return ModelCalled(line, call, _UNRECORDED, fault=fault, at_us=at_us)


PIE: Final = Format(
    about="[TRACE] lines of Pie's AsyncLM inferlet",
    read=_read,
    losses={
        "prose": "not in the lines: only calls, traps and their results are told",
        "results": "null, where no [AsyncLM] line says what went in; every one counts as returned",
        "functions": "`unrecorded()`, where no [AsyncLM] line says what was dispatched",
        "steps and checkpoints": "left out",
        "traps": "Pie's trap waits for all that is pending: it is told as [TRAP] all [END]",
    },
    body=Body.PYTHON,
)
