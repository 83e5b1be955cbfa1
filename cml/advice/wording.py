"""How what a model wrote is quoted to it."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from cml.ast import Call
from cml.printer import PrintError, render_body
from cml.profile import Body, Profile
from cml.text.identifiers import NO_VALUES
from cml.text.invocation import Invocation
from cml.text.literals import blank_strings
from cml.text.valid_bodies import read_if_valid

LONGEST: Final = 120
_SHORT: Final = 30
_MOST_FORMS: Final = 4
_PATTERNS: Final = {Body.PYTHON: "f(x=1)", Body.JSON: '{"name": "f", "arguments": {"x": 1}}'}
CURLY_QUOTES: Final = "“”„‟"
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}


def excerpt(text: str, most: int = _SHORT) -> str:
    """Return the beginning of a text, on one line."""
    line = text.strip().replace("\r", r"\r").replace("\n", r"\n")
    line = line.encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= most else line[: most - 1] + "…"


def right_form(call: Invocation, profile: Profile) -> str | None:
    """Return a call as its body is written; None where that would not read back as this call."""
    if profile.body is Body.PYTHON and call.function in NO_VALUES:
        return None  # it is read, but no function is called so
    tree = Call(None, call.function, call.args, call.kwargs)
    try:
        written = render_body(tree, profile)
    except PrintError:
        return None
    return written if read_if_valid(written, profile) == call else None


def right_arguments(code: str, profile: Profile) -> str | None:
    """Return arguments of a Python body, or one value, as they are written; None if they are none."""
    in_python = msgspec.structs.replace(profile, body=Body.PYTHON)
    call = read_if_valid(f"f({code})", in_python)
    if call is None or call.function != "f" or not (call.args or call.kwargs):
        return None
    form = right_form(call, in_python)
    return form[2:-1] if form and len(form) <= LONGEST else None


def write_calls(calls: Sequence[Invocation], profile: Profile) -> str:
    """Say what to write for one call, or for several; a pattern where no form reads back."""
    forms = [right_form(call, profile) for call in calls[:_MOST_FORMS]]
    written = [_shortened(form) for form in forms if form is not None]
    if len(written) < len(forms):
        written = [f"it as in {_PATTERNS[profile.body]}"]
    if len(calls) == 1:
        return f"write {written[0]}"
    return f"a block holds one call, so write one for each: {' and '.join(written)}"


def _shortened(form: str) -> str:
    return form if len(form) <= LONGEST else f"{form[: LONGEST - 1]}…"


class BodyAdvice(NamedTuple):
    """What a model is told.

    Args:
        message: What was seen, and what to write.
        offset: Where it was seen, in characters.
    """

    message: str
    offset: int


def completed(code: str, quotes: str) -> str | None:
    """Return code with the brackets closed that are open at its end; None where none are."""
    closers: list[str] = []
    for bracket in re.findall(r"[][(){}]", blank_strings(code, quotes)):
        if bracket in _CLOSERS:
            closers.append(_CLOSERS[bracket])
        elif not closers or closers.pop() != bracket:
            return None
    return code + "".join(reversed(closers)) if closers else None
