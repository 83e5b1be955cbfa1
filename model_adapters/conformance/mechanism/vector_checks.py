"""Every run vector with its script forced through the session: the rows and the context it states."""

from functools import cache
from typing import Final

from cml.profile import Spelling
from interpreter.vectors.levels import level_of
from interpreter.vectors.questions import run_differences, run_question
from interpreter.vectors.runs import RunAnswer, RunVector, play, request_of, run_vectors
from interpreter.vectors.spelling import spelled
from model_adapters.conformance.check import Check
from model_adapters.conformance.subject import Subject
from model_adapters.testing import SessionError

_ONLY_IN: Final = {
    Spelling.TEXT: "the story is of markers in text, and has no like in tokens",
    Spelling.TOKEN: "markers are tokens in this story, and text in this session",
}


@cache
def vector_checks() -> tuple[Check, ...]:
    """Return a check for each run vector, in the order of their names."""
    return tuple(_check(name, vector) for name, vector in run_vectors().items())


def _check(name: str, vector: RunVector) -> Check:
    def exercise(subject: Subject) -> str | None:
        story = spelled(vector, subject.profile.markers)
        if story is None:
            return _ONLY_IN[vector.settings.profile.markers]
        with subject.forced(story.script, at_once=True) as session:
            rows = play(request_of(story.name, story), session, subject.drive)
            answer = RunAnswer(story.name, rows, session.context)
        if faults := list(run_differences(story, answer)):
            raise SessionError("; ".join(faults))
        return None

    level = level_of(run_question(name, vector))
    return Check(f"vectors/{vector.name}", vector.about, vector.rules, exercise, level)
