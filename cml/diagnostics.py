"""Diagnostics: what is wrong, where, by which rule, and what to do.

`RULES` is the one table of rules that a diagnostic can name; spec/2-validity.md defines each.
"""

from enum import Enum
from typing import Final

import msgspec


class Severity(Enum):
    """An error makes the input invalid; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Position(msgspec.Struct, frozen=True, order=True, gc=False):
    """A place in a text: line and column count from 1, the offset in characters from 0."""

    line: int = 1
    column: int = 1
    offset: int = 0


START: Final = Position()


class Span(msgspec.Struct, frozen=True, gc=False):
    """From `start` up to, not including, `end`."""

    start: Position = START
    end: Position = START


class Rule(msgspec.Struct, frozen=True):
    """A rule as a diagnostic names it.

    Args:
        code: Stable code, `CML` and three digits; never reused.
        severity: Whether breaking it makes the input invalid.
        help: What to do about it.
    """

    code: str
    severity: Severity
    help: str


def _error(code: str, advice: str) -> Rule:
    return Rule(code, Severity.ERROR, advice)


def _warning(code: str, advice: str) -> Rule:
    return Rule(code, Severity.WARNING, advice)


RULES: Final[dict[str, Rule]] = {
    "Syntax/encoding": _error("CML101", "save the file as UTF-8"),
    "Valid/closed": _error("CML102", "close the block with [END] before anything else opens"),
    "Valid/stray-marker": _error("CML103", "write \\[HEAD] or \\[END] where the text is meant"),
    "Valid/head": _error("CML104", "a call has at most one [HEAD], an interrupt one, a trap none"),
    "Valid/identifier": _error("CML105", "use an ASCII identifier of at most 64 characters"),
    "Valid/body": _error("CML106", "write one call of a named function with literal arguments"),
    "Valid/interrupt-head": _error("CML107", "write `[INTR] identifier [HEAD] …`, or an outcome"),
    "Valid/interrupt-value": _error("CML108", "write one JSON value after [HEAD]"),
    "Valid/trap-list": _error("CML109", "write [TRAP][END], [TRAP] a, b [END] or [TRAP] all [END]"),
    "Valid/limit": _error("CML110", "make the block smaller, or raise the limit of the profile"),
    "Valid/level": _error("CML111", "raise the level of the profile, or avoid the extension"),
    "Valid/unique-identifier": _error("CML201", "give each call an identifier of its own"),
    "Valid/reserved-identifier": _error("CML202", "choose another identifier"),
    "Valid/answers-a-call": _error("CML203", "an interrupt names an identifier called before it"),
    "Valid/one-answer": _error("CML204", "a call is answered by one final interrupt, once"),
    "Valid/known-identifier": _error("CML205", "name the identifier of an earlier call"),
    "Valid/trap-wakes": _warning("CML206", "trap only while a call with an identifier is pending"),
    "Valid/known-function": _error("CML207", "call one of the functions that the host declares"),
    "Lint/near-miss": _warning("CML208", "write the marker exactly, or leave it if text is meant"),
    "Lint/json-constant": _warning("CML209", "write True, False and None in Python bodies"),
    "Trace/format": _error("CML301", "a trace is one JSON object a line: a header, then rows"),
    "Trace/version": _error("CML302", "use the version of the tools that the trace names"),
    "Trace/row": _error("CML303", "a row is what the machine does with the event: record it again"),
    "Trace/order": _error(
        "CML304", "times never go back, and the events of one moment have an order"
    ),
    "Trace/unfinished": _warning("CML305", "the run was cut short: everything up to here holds"),
    "Trace/foreign": _error("CML306", "give a file of the format that the import names"),
    "Trace/answered": _error("CML307", "answer each call once, if only with its failure"),
    "Trace/checksum": _error("CML308", "take the line from a copy; what comes before it holds"),
    "Trace/abandoned": _error("CML309", "what came after was not written: do not go on from it"),
}


class Diagnostic(msgspec.Struct, frozen=True):
    """One finding, with the rule that it is found by and the place it is found at.

    Args:
        code: Its number, as in `CML106`: it stays the same whatever the message says.
        rule: The rule of the specification, as in `Valid/body`.
        severity: Whether the text breaks the rule, or is only told of.
        message: What was expected and what was found, in a line.
        span: Where.
    """

    code: str
    rule: str
    severity: Severity
    message: str
    span: Span

    def __str__(self) -> str:
        """Return it on one line, as in `3:5: error[CML106]: expected `)` (Valid/body)`."""
        start = self.span.start
        place = f"{start.line}:{start.column}"
        return f"{place}: {self.severity.value}[{self.code}]: {self.message} ({self.rule})"


def diagnose(rule: str, message: str, span: Span) -> Diagnostic:
    """Make the diagnostic of a rule of `RULES`."""
    entry = RULES[rule]
    return Diagnostic(entry.code, rule, entry.severity, message, span)


class CmlError(Exception):
    """Input that cannot be read on, by a rule of `RULES`.

    Args:
        rule: The rule that it breaks.
        message: What was expected, and what to do.
        offset: Characters before the place.
    """

    def __init__(self, rule: str, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.rule = rule
        self.offset = offset


def advance(position: Position, text: str) -> Position:
    """Return where `position` comes to after `text`. A line ends at a line feed."""
    lines = text.count("\n")
    column = len(text) - text.rfind("\n") if lines else position.column + len(text)
    return Position(position.line + lines, column, position.offset + len(text))


def locate(start: Position, text: str, begin: int, end: int) -> Span:
    """Return the span of `text[begin:end]`, where `text` itself begins at `start`."""
    first = advance(start, text[:begin])
    return Span(first, advance(first, text[begin:end]))
