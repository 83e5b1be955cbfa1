"""Every run vector with its script forced through the session: the rows and the context it states."""

from functools import cache
from typing import Final

import msgspec
from msgspec.structs import replace

from cml.profile import Level
from cml.vectors.runner import vector_files
from interpreter.errors import HostError
from interpreter.vectors.questions import run_differences
from interpreter.vectors.runs import RunAnswer, RunVector, play, request_of, run
from model_adapters.conformance.check import Check
from model_adapters.conformance.subject import Subject
from model_adapters.testing import SessionError

_SPELLED: Final = {"text": "text", "token": "tokens"}


@cache
def vector_checks() -> tuple[Check, ...]:
    """Return a check for each run vector, in the order of their names."""
    return tuple(
        _check(msgspec.json.decode(file.read_bytes(), type=RunVector))
        for file in vector_files("runs").values()
    )


def _check(vector: RunVector) -> Check:
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

    return Check(f"vectors/{vector.name}", vector.about, vector.rules, exercise, _level(vector))


def _level(vector: RunVector) -> Level:
    """Return the lowest level at which it has the rows and the context that it states."""
    return next((level for level in Level if _holds_at(vector, level)), Level.EXTENDED)


def _holds_at(vector: RunVector, level: Level) -> bool:
    profile = replace(vector.settings.profile, level=level)
    request = request_of(vector.name, vector)
    below = replace(request, settings=replace(vector.settings, profile=profile))
    try:
        return not any(run_differences(vector, run(below)))
    except (
        HostError,
        KeyError,
    ):  # this level has no message that is said, or calls what none answers
        return False
