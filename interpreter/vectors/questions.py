"""What an implementation is asked of runs and schedules, and how its answers are compared.

Rows are compared as values: what has its default may be left out, the order of keys means nothing,
`1` is not `1.0`. Messages are free: those of reports, and those of the failures that the machine
itself makes, in the rows and in the context.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import zip_longest
from typing import Final, TypeAlias

import msgspec

from cml.ast import OutcomeKind
from cml.profile import Profile, Spelling
from cml.vectors.runner import FOLDERS, Question, unequal, vector_files
from cml.vectors.runner import questions as language_questions
from interpreter.events import Delivery, Effect, Inject, Outcome, Report, Returned, Row
from interpreter.interrupts import interrupt_text
from interpreter.rules.failures import FAILURES
from interpreter.vectors.runs import RunAnswer, RunVector, request_of, run_vectors
from interpreter.vectors.schedules import (
    ScheduleAnswer,
    ScheduleVector,
    decode_schedule,
    schedule_request,
)
from interpreter.vectors.spelling import spelled

_FREE: Final = "…"
_INFORMS: Final = {OutcomeKind.RETURNED, OutcomeKind.PROGRESS}


def run_questions() -> dict[str, Question]:
    """Return what is asked of the run vectors."""
    return {name: run_question(name, vector) for name, vector in run_vectors().items()}


def run_questions_in_tokens() -> dict[str, Question]:
    """Return what is asked of the run vectors that the token profile has, or can have."""
    return {
        name: run_question(name, story)
        for name, vector in run_vectors().items()
        if (story := spelled(vector, Spelling.TOKEN))
    }


def run_question(name: str, vector: RunVector) -> Question:
    """Return what is asked of one run vector.

    Args:
        name: What its request is called.
        vector: The vector.
    """
    request = request_of(name, vector)
    return Question(request, partial(_judge_run, vector), vector.about, vector.rules)


def schedule_questions() -> dict[str, Question]:
    """Return what is asked of the schedule vectors."""
    vectors = {
        name: decode_schedule(file.read_bytes()) for name, file in vector_files("schedules").items()
    }
    return {
        name: Question(
            schedule_request(name, vector),
            partial(_judge_schedule, vector),
            vector.why,
            vector.rules,
        )
        for name, vector in vectors.items()
    }


Questions: TypeAlias = Callable[[], dict[str, Question]]

CATEGORIES: Final[dict[str, Questions]] = {
    **{folder: partial(language_questions, folder) for folder in FOLDERS},
    "runs": run_questions,
    "schedules": schedule_questions,
}


def _judge_run(vector: RunVector, line: bytes) -> Iterator[str]:
    return run_differences(vector, msgspec.json.decode(line, type=RunAnswer))


def _judge_schedule(vector: ScheduleVector, line: bytes) -> Iterator[str]:
    return schedule_differences(vector, msgspec.json.decode(line, type=ScheduleAnswer))


def schedule_differences(vector: ScheduleVector, answer: ScheduleAnswer) -> Iterator[str]:
    """Yield what is wrong with an answer to a schedule vector; nothing means that it is right."""
    yield from unequal("makespan_us", vector.makespan_us, answer.makespan_us)
    yield from unequal("order", vector.order, answer.order)
    if vector.lower_bound_us is not None:
        yield from unequal("lower_bound_us", vector.lower_bound_us, answer.lower_bound_us)


def run_differences(vector: RunVector, answer: RunAnswer) -> Iterator[str]:
    """Yield what is wrong with an answer to a run vector: the first row that differs, the context."""
    expected, found = _comparable(vector.rows), _comparable(answer.rows)
    for number, (ours, theirs) in enumerate(zip_longest(expected, found), start=1):
        if ours != theirs:
            yield f"row {number}: expected {ours or 'no more'}, found {theirs or 'no more'}"
            break
    yield from unequal(
        "context",
        _without_messages(vector, vector.rows, vector.context),
        _without_messages(vector, answer.rows, answer.context),
    )


def _comparable(rows: tuple[Row, ...]) -> list[str]:
    own = _told_by_functions(rows)
    return [
        msgspec.json.encode(_row(row, own), order="deterministic").decode().strip() for row in rows
    ]


_Own: TypeAlias = set[tuple[str, bytes]]


def _told_by_functions(rows: tuple[Row, ...]) -> _Own:
    """What functions came back with, by call: their messages are not free. The words alone do not
    say whose they are.
    """
    return {
        (row.event.call, _encoded(row.event.outcome))
        for row in rows
        if isinstance(row.event, Returned) and row.rule in {"Step/return", "Step/progress"}
    }


def _encoded(outcome: Outcome) -> bytes:
    return msgspec.json.encode(outcome, order="deterministic")


def _row(row: Row, own: _Own) -> Row:
    return msgspec.structs.replace(
        row, effects=tuple(_effect(effect, own) for effect in row.effects)
    )


def _effect(effect: Effect, own: _Own) -> Effect:
    match effect:
        case Report(rule):
            return Report(rule, _FREE)
        case Inject(interrupts):
            told = tuple(_delivery(delivery, own) for delivery in interrupts)
            return msgspec.structs.replace(effect, interrupts=told)
        case _:
            return effect


def _delivery(told: Delivery, own: _Own) -> Delivery:
    """Return a delivery with its message made the same for all, if the machine made it."""
    outcome = told.outcome
    if outcome.kind in _INFORMS or (told.id, _encoded(outcome)) in own:
        return told
    match outcome.value:
        case {"type": str(kind), "message": str(), **rest} if kind in FAILURES and not rest:
            return Delivery(told.id, Outcome(outcome.kind, {"type": kind, "message": _FREE}))
        case _:
            return told


def _without_messages(vector: RunVector, rows: tuple[Row, ...], context: str) -> str:
    """Return a context with the free messages of its interrupts made the same for all."""
    own, profile = _told_by_functions(rows), vector.settings.profile
    parts: list[str] = []
    begin = 0
    for told in _deliveries(rows):
        text = _text(told, profile)
        at = context.find(text, begin)
        if at >= 0:
            parts += [context[begin:at], _text(_delivery(told, own), profile)]
            begin = at + len(text)
    return "".join([*parts, context[begin:]])


def _deliveries(rows: tuple[Row, ...]) -> Iterator[Delivery]:
    """Yield what went in, the keys of failures in the order in which they are written (3.7)."""
    for row in rows:
        for effect in row.effects:
            if isinstance(effect, Inject):
                yield from map(_in_order, effect.interrupts)


def _in_order(told: Delivery) -> Delivery:
    match told.outcome.value:
        case {"message": str(message), "type": str(kind), **rest} if not rest:
            return Delivery(told.id, Outcome(told.outcome.kind, {"type": kind, "message": message}))
        case _:
            return told


def _text(told: Delivery, profile: Profile) -> str:
    return interrupt_text(Inject((told,)), profile)
