"""How what a model wrote is quoted to it."""

import re
from typing import Final, NamedTuple

from cml.ast import Call, Value
from cml.printer import PrintError, render_body
from cml.profile import Body, Profile
from cml.text.literals import blank_strings

LONGEST: Final = 120
_SHORT: Final = 30
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}


def excerpt(text: str, most: int = _SHORT) -> str:
    """Return the beginning of a text, on one line."""
    line = text.strip().replace("\r", r"\r").replace("\n", r"\n")
    return line if len(line) <= most else line[: most - 1] + "…"


def right_form(function: str, args: tuple[Value, ...], kwargs: dict[str, Value], body: Body) -> str:
    """Return a call as its body is written; of one that is long or cannot be written, a pattern."""
    pattern = "f(x=1)" if body is Body.PYTHON else '{"name": "f", "arguments": {"x": 1}}'
    try:
        written = render_body(Call(None, function, args, kwargs), Profile(body=body))
    except PrintError:
        return f"it as in {pattern}"
    return written if len(written) <= LONGEST else f"{written[: LONGEST - 1]}…"


class Told(NamedTuple):
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


def one_by_one(forms: list[str]) -> str:
    """Say what to write for one call, or for several."""
    if len(forms) == 1:
        return f"write {forms[0]}"
    return f"a block holds one call, so write one for each: {' and '.join(forms[:4])}"
