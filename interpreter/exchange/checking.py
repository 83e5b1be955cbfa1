"""Whether an imported session is one: validated like our own, with the lines of its file."""

from collections.abc import Iterable, Iterator
from typing import cast

from cml.ast import Call, OutcomeKind, Value
from cml.characters import not_utf_8
from cml.diagnostics import Diagnostic, Position, Span, diagnose
from cml.parser import parse
from cml.printer import PrintError, render
from cml.profile import Profile
from interpreter.events import Outcome
from interpreter.exchange.happenings import (
    CallAnswered,
    Happening,
    ModelCalled,
    ModelWaits,
    NotCarried,
    PersonSpoke,
    Written,
)
from interpreter.interrupts import message_fault, unreadable


def at_line(rule: str, message: str, line: int) -> Diagnostic:
    """Return a diagnostic about a whole line."""
    position = Position(line, 1, 0)
    return diagnose(rule, message, Span(position, position))


def check(happenings: Iterable[Happening], profile: Profile) -> Iterator[Diagnostic]:
    """Yield what is wrong with a session, in the order of its file; never answered comes last.

    Args:
        happenings: What the file says.
        profile: How it will be written.
    """
    listed = list(happenings)
    checker = _Checker(
        {item.call: item.line for item in reversed(listed) if isinstance(item, ModelCalled)},
        profile,
    )
    for item in listed:
        yield from checker.check(item)
    for call, line in checker.pending.items():
        yield at_line("Trace/answered", f"the call {call} is never answered", line)


class _Checker:
    """What is known of the calls so far.

    Args:
        calls: Where each call of the whole file is made first, by its identifier.
        profile: How the session will be written.
    """

    def __init__(self, calls: dict[str, int], profile: Profile) -> None:
        self._calls = calls
        self._profile = profile
        self._called: dict[str, int] = {}
        self._answered: dict[str, int] = {}
        self._is_waiting = False
        self.pending: dict[str, int] = {}

    def check(self, item: Happening) -> Iterator[Diagnostic]:
        match item:
            case NotCarried():
                return
            case CallAnswered():
                yield from self._answer(item)
                self._is_waiting &= bool(self.pending)
            case ModelWaits():
                self._is_waiting = bool(self.pending)
            case _:
                yield from self._goes_on(item)
                if isinstance(item, ModelCalled):
                    yield from self._call(item)
                elif fault := not_utf_8(item.text):
                    yield at_line("Syntax/encoding", fault, item.line)
                elif isinstance(item, PersonSpoke) and (
                    fault := message_fault(item.text, self._profile)
                ):
                    yield at_line("Valid/limit", fault, item.line)

    def _goes_on(self, item: PersonSpoke | Written) -> Iterator[Diagnostic]:
        if not self._is_waiting:
            return
        self._is_waiting = False
        for call, line in self.pending.items():
            message = (
                f"the call {call} is not answered before the session goes on in line {item.line}"
            )
            yield at_line("Trace/answered", message, line)
        self.pending = {}

    def _call(self, item: ModelCalled) -> Iterator[Diagnostic]:
        if item.call in self._called:
            message = f"the identifier {item.call} was used in line {self._called[item.call]}"
            yield at_line("Valid/unique-identifier", message, item.line)
            return
        self._called[item.call] = self.pending[item.call] = item.line
        if fault := item.fault or _unwritable(item, self._profile):
            yield at_line("Valid/body", f"{item.function or 'a call'}: {fault}", item.line)

    def _answer(self, item: CallAnswered) -> Iterator[Diagnostic]:
        call, line = item.call, item.line
        if call not in self._called:
            where = self._calls.get(call)
            message = f"a result of {call}, which is called only in line {where}"
            if where is None:
                message = f"a result that nobody asked for: no call has the identifier {call}"
            yield at_line("Valid/answers-a-call", message, line)
            return
        if call in self._answered:
            message = f"{call} was answered in line {self._answered[call]}"
            yield at_line("Valid/one-answer", message, line)
            return
        if fault := unreadable("call1", item.outcome, self._profile):
            yield at_line("Valid/interrupt-value", f"the result of {call}: {fault}", line)
        if not is_progress(item.outcome):
            self._answered[call] = line
            self.pending.pop(call, None)


def is_progress(outcome: Outcome) -> bool:
    """Whether a call goes on after this."""
    return outcome.kind is OutcomeKind.PROGRESS


def _unwritable(item: ModelCalled, profile: Profile) -> str | None:
    """Return why a call cannot be written in a context, or None."""
    try:
        text = render([call_of(item, "call1")], profile)
    except PrintError as error:
        return str(error)
    faults = parse(text, profile).diagnostics
    return faults[0].message if faults else None


def call_of(item: ModelCalled, identifier: str) -> Call:
    """Return a call as it stands in a context."""
    # What is JSON is a value; the types differ in what their lists may be given later.
    args, kwargs = cast("tuple[Value, ...]", item.args), cast("dict[str, Value]", item.kwargs)
    return Call(id=identifier, function=item.function, args=args, kwargs=kwargs)
