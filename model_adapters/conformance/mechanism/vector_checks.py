"""Every run vector with its script forced through the session: the rows and the context it states."""

from functools import cache
from typing import Final

import msgspec

from cml.vectors.runner import vector_files
from interpreter.vectors.levels import level_of
from interpreter.vectors.questions import run_differences, run_question
from interpreter.vectors.runs import RunAnswer, RunVector, play, request_of
from model_adapters.conformance.check import Check
from model_adapters.conformance.subject import Subject
from model_adapters.testing import SessionError

_SPELLED: Final = {"text": "text", "token": "tokens"}


@cache
def vector_checks() -> tuple[Check, ...]:
    """Return a check for each run vector, in the order of their names."""
    return tuple(
        _check(name, msgspec.json.decode(file.read_bytes(), type=RunVector))
        for name, file in vector_files("runs").items()
    )


def _check(name: str, vector: RunVector) -> Check:
    request = request_of(vector.name, vector)

    def exercise(subject: Subject) -> str | None:
        theirs, ours = vector.settings.profile.markers.value, subject.profile.markers.value
        if theirs != ours:
            return f"markers are {_SPELLED[theirs]} in this story, and {_SPELLED[ours]} in this session"
        with subject.forced(vector.script, at_once=True) as session:
            rows = play(request, session, subject.drive)
            answer = RunAnswer(vector.name, rows, session.context)
        if faults := list(run_differences(vector, answer)):
            raise SessionError("; ".join(faults))
        return None

    level = level_of(run_question(name, vector))
    return Check(f"vectors/{vector.name}", vector.about, vector.rules, exercise, level)
