"""How a model behaves towards calls that run beside it, read from the rows of any session.

Three habits that those who run asynchronous tools in production complain of: a call is made again
while the first still runs; a result that comes after the talk has moved on is never told; progress
is told as if it were the result. Nothing has to be known here of what was wanted.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from cml.ast import OutcomeKind
from cml.text.identifiers import is_message_identifier
from interpreter.events import Delivery, Inject, Outcome, Returned, Row, Start
from model_adapters.training.evaluation.telling import Line, lines, outcome_parts, times_told

_NOT_YET: Final = re.compile(
    r"\b(still|so far|not yet|yet|until now|already|currently|progress|running|under way|wait\w*)\b",
    re.IGNORECASE,
)
"""Words by which a line says that what it tells is not the end."""


class BackgroundCall(msgspec.Struct, frozen=True):
    """A call, with the rows at which the model came to know of it.

    Args:
        start: What was started.
        started: The row in which.
        progress: What it reported on its way, as far as it went in.
        outcome: What came of it; None where nothing went in.
        told: The row in which that went in; the number of rows where nothing did.
        returned: The row in which it came back to the runtime; the number of rows where it did not.
    """

    start: Start
    started: int
    progress: tuple[Outcome, ...]
    outcome: Outcome | None
    told: int
    returned: int

    @property
    def things(self) -> list[str]:
        """Return what a line may call it by: the values of its arguments."""
        return [str(value) for value in (*self.start.args, *self.start.kwargs.values())]


def background_calls(rows: Sequence[Row]) -> list[BackgroundCall]:
    """Return the calls of a session, in the order in which they started."""
    delivered = [
        (number, delivery) for number, inject in _injects(rows) for delivery in inject.interrupts
    ]
    came = {
        row.event.call: number
        for number, row in reversed([*enumerate(rows)])
        if isinstance(row.event, Returned) and row.event.outcome.kind is not OutcomeKind.PROGRESS
    }
    return [
        _background(effect, number, delivered, came.get(effect.call, len(rows)), len(rows))
        for number, row in enumerate(rows)
        for effect in row.effects
        if isinstance(effect, Start)
    ]


def repeated_calls(rows: Sequence[Row]) -> list[BackgroundCall]:
    """Return the calls that were made again before the outcome of the first had gone in."""
    calls = background_calls(rows)
    return [
        call
        for number, call in enumerate(calls)
        if any(
            _wish(earlier.start) == _wish(call.start) and call.started < earlier.told
            for earlier in calls[:number]
        )
    ]


def owed_results(rows: Sequence[Row]) -> list[BackgroundCall]:
    """Return the calls whose outcome went in after the talk had moved on: a person said something
    after they started, and before it came.
    """
    said = _messages(rows)
    return [
        call
        for call in background_calls(rows)
        if call.outcome and any(call.started < number < call.told for number in said)
    ]


def is_told_once(rows: Sequence[Row], call: BackgroundCall) -> bool:
    """Whether the outcome of a call was told, and not again."""
    return sum(_telling(call)(line) for line in lines(rows)) == 1


def is_told_after_answer(rows: Sequence[Row], call: BackgroundCall) -> bool | None:
    """Whether an owed outcome was told after the answer to what the person said last before it came.

    The answer is what comes of the calls that were started after their words. Only what the model
    could already tell counts: while it has no answer, it may well tell what is owed.

    Returns:
        None where the outcome was not told, or no answer was there before it was.
    """
    asked = max((number for number in _messages(rows) if number < call.told), default=0)
    written = lines(rows)
    owed = _first(written, call)
    if owed is None:
        return None
    answers = [
        _first(written, each)
        for each in background_calls(rows)
        if asked < each.started and each.outcome and each.told < owed
    ]
    told = [row for row in answers if row is not None]
    return all(row < owed for row in told) if told else None


def progress_taken(rows: Sequence[Row]) -> list[BackgroundCall]:
    """Return the calls whose progress was told as if it were the result.

    That is a line, begun before the outcome had gone in, which tells what was reported together
    with what the call is about, and has no word of its being unfinished.
    """
    written = lines(rows)
    return [
        call
        for call in background_calls(rows)
        if any(
            line.row < call.told
            and times_told(line.text, outcome_parts(reported), call.things)
            and not _NOT_YET.search(line.text)
            for reported in call.progress
            for line in written
        )
    ]


def has_progress(rows: Sequence[Row]) -> bool:
    """Whether a call reported progress that went in."""
    return any(call.progress for call in background_calls(rows))


def _background(
    start: Start, started: int, delivered: Sequence[tuple[int, Delivery]], returned: int, end: int
) -> BackgroundCall:
    own = [(number, each.outcome) for number, each in delivered if each.id == start.call]
    progress = tuple(each for _, each in own if each.kind is OutcomeKind.PROGRESS)
    ends = [pair for pair in own if pair[1].kind is not OutcomeKind.PROGRESS]
    told, outcome = ends[0] if ends else (end, None)
    return BackgroundCall(start, started, progress, outcome, told, returned)


def _telling(call: BackgroundCall) -> Callable[[Line], int]:
    """Return what says how often a line tells the outcome of a call."""
    parts = outcome_parts(call.outcome) if call.outcome else []
    return lambda line: times_told(line.text, parts, call.things) if parts else 0


def _first(written: Sequence[Line], call: BackgroundCall) -> int | None:
    """Return the row in which the first line begins that tells the outcome of a call."""
    return next((line.row for line in written if _telling(call)(line)), None)


def _wish(start: Start) -> tuple[str, bytes]:
    return start.function, msgspec.json.encode((start.args, start.kwargs), order="sorted")


def _injects(rows: Sequence[Row]) -> list[tuple[int, Inject]]:
    return [
        (number, effect)
        for number, row in enumerate(rows)
        for effect in row.effects
        if isinstance(effect, Inject)
    ]


def _messages(rows: Sequence[Row]) -> list[int]:
    """Return the rows in which what a person or an agent said went in."""
    return [
        number
        for number, inject in _injects(rows)
        if any(is_message_identifier(each.id) for each in inject.interrupts)
    ]
