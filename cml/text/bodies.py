"""Bodies: one call, in Python or JSON syntax (spec/1-syntax.md, section 6).

Nothing is ever evaluated: a body is read by its tokens, by the grammar of cml.lark, or as JSON,
after its nesting was bounded.
"""

from typing import Final

from cml.profile import Body, Profile
from cml.text.invocation import BodyError, Invocation
from cml.text.json_values import JsonError, read_json
from cml.text.literals import CALL_QUOTES
from cml.text.python_bodies import read_python
from cml.text.valid_bodies import check_nesting, json_call


def read_body(text: str, profile: Profile) -> Invocation:
    """Read a body, without white space around it, in the language of the profile.

    Raises:
        BodyError: The text is not one call with literal arguments, or breaks a limit.
    """
    check_nesting(text, CALL_QUOTES[profile.body], profile.limits)
    return _READERS[profile.body](text, profile)


def _read_python(text: str, profile: Profile) -> Invocation:
    if (invocation := read_python(text, profile)) is not None:
        return invocation
    from cml.advice.grammar_bodies import read_by_grammar  # a valid call needs no grammar

    return read_by_grammar(text, profile)


def _read_json(text: str, profile: Profile) -> Invocation:
    try:
        value = read_json(text, profile.limits)
    except JsonError as error:
        if error.rule:
            raise BodyError(str(error), error.offset, error.rule) from None
        raise _advised(text, profile, str(error), error.offset) from None
    if (invocation := json_call(text, value, profile)) is None:
        raise _advised(text, profile, 'a body is one object with the keys "name" and "arguments"')
    return invocation


def _advised(text: str, profile: Profile, fault: str, offset: int = 0) -> BodyError:
    from cml.advice.json_bodies import json_advice  # a valid call needs no advice

    told = json_advice(text, fault, offset, profile)
    return BodyError(told.message, told.offset)


_READERS: Final = {Body.PYTHON: _read_python, Body.JSON: _read_json}
