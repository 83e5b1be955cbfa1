"""To which level of the language a vector belongs."""

import msgspec
from msgspec.structs import replace

from cml.profile import Level
from cml.vectors.runner import LanguageRequest, Question
from interpreter.errors import HostError
from interpreter.vectors.answer import answer
from interpreter.vectors.runs import RunRequest
from interpreter.vectors.schedules import ScheduleRequest


def level_of(question: Question) -> Level:
    """Return the lowest level at which a vector has the answer that it states.

    A schedule asks nothing of the language: its level is that of its execution model.

    Args:
        question: The vector.
    """
    if isinstance(question.request, ScheduleRequest):
        return Level.FUTURES if question.request.model == "futures" else Level.CORE
    return next((level for level in Level if _holds_at(question, level)), Level.EXTENDED)


def _holds_at(question: Question, level: Level) -> bool:
    try:
        found = answer(msgspec.json.encode(_at(question.request, level)))
    except (HostError, KeyError):
        return False  # this level has no message that is said, or calls what none answers
    return not any(question.differences(msgspec.json.encode(found)))


def _at(request: msgspec.Struct, level: Level) -> msgspec.Struct:
    match request:
        case LanguageRequest(profile=profile):
            return replace(request, profile=replace(profile, level=level))
        case RunRequest(settings=settings):
            profile = replace(settings.profile, level=level)
            return replace(request, settings=replace(settings, profile=profile))
        case _:
            return request
