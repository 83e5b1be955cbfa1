"""JSON bodies that are no call: what was seen, and what to write."""

from collections.abc import Sequence
from typing import Final

from cml.advice.json_calls import WrittenCall, calls_in_json
from cml.advice.strings import quote_inside, unclosed
from cml.advice.wording import BodyAdvice, write_calls
from cml.advice.wrappers import in_words, unwrapped
from cml.profile import Body, Profile
from cml.text.invocation import Invocation
from cml.text.literals import CALL_QUOTES
from cml.text.valid_bodies import read_if_valid

_NOT_PYTHON: Final = "bodies are JSON here, not Python"
_PATTERN: Final = '{"name": "…", "arguments": {…}}'
_QUOTES: Final = CALL_QUOTES[Body.JSON]


def json_advice(body: str, fault: str, offset: int, profile: Profile) -> BodyAdvice:
    """Return what to tell a model of a body that is no call in JSON, and of which place in it.

    Args:
        body: The body.
        fault: What a reader said of it.
        offset: Where, in characters.
        profile: What a right form has to keep to.
    """
    calls = calls_in_json(body, profile.limits)
    if calls and not calls[0].fault:
        return BodyAdvice(fault, offset)
    if calls or (told := _in_wrappers(body, profile)) is None:
        told = _in_calls(calls, body, profile)
    if told:
        return BodyAdvice(told, offset if calls else 0)
    if broken := unclosed(body, _QUOTES):
        return broken
    told = quote_inside(body, offset, _QUOTES)
    return BodyAdvice(
        told or f"{fault if body else 'the body is empty'}; write {_PATTERN} and nothing else",
        offset,
    )


def _in_wrappers(body: str, profile: Profile) -> str | None:
    seen, inner = unwrapped(body)
    told = _in_calls(calls_in_json(inner, profile.limits), inner, profile) if seen else None
    return told and in_words(seen) + told


def _in_calls(calls: Sequence[WrittenCall], body: str, profile: Profile) -> str | None:
    """What to write for calls in other JSON, or for one of Python; None where there is neither."""
    if calls:
        remedy = write_calls([written.call for written in calls], profile)
        return f"{calls[0].fault}; {remedy}" if calls[0].fault else remedy
    call = read_if_valid(body, Profile(limits=profile.limits))
    if call is None:
        return None
    match call.args:
        case (dict(arguments),) if not call.kwargs and "$ref" not in arguments:
            call = Invocation(call.function, (), arguments)
        case (_, *_):
            given = f'{{"name": "{call.function}", "arguments": {{…}}}}'
            return f"{_NOT_PYTHON}; write {given}, each argument with its name"
        case _:
            pass
    return f"{_NOT_PYTHON}; {write_calls([call], profile)}"
