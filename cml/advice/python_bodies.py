"""Python bodies that are no call: each form that models are known to write has a line in a table."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from cml.advice.json_bodies import calls_in_json
from cml.advice.strings import quote_inside, unclosed
from cml.advice.wording import LONGEST, Told, completed, excerpt, one_by_one, right_form
from cml.profile import Body, Profile
from cml.text.literals import CALL_QUOTES, blank_strings
from cml.text.python_bodies import read_python

_QUOTES: Final = CALL_QUOTES[Body.PYTHON]
_LONGEST_BODY: Final = 20_000  # of which another form is looked for
_CALL: Final = r"(?=(?:await\s++)?+[A-Za-z_][\w.]*+[ \t]*+\()"
# What is written around calls, and what begins and what ends it. Nothing is ever tried twice.
_WRAPPERS: Final = tuple(
    (name, re.compile(begin), end)
    for name, begin, end in (
        ("a fence", r"`{1,3}+(?:\w++\s)?+", "`"),
        ("`await`", r"await\s", ""),
        ("`return`", r"return\s", ""),
        ("an assignment", rf"\w++(?:\s*+:[^=]*+|\s*+)=\s*+{_CALL}", ""),
        ("a list", rf"\[\s*+{_CALL}", "]"),
        ("a semicolon", r"(?=[^;]*+;\Z)", ";"),
    )
)
_BRACKETS_AND_SEPARATORS: Final = re.compile(r"[][(){},;\n]")


def python_advice(body: str, offset: int, expected: str) -> Told:
    """Return what to tell a model of a body that the grammar refused, and of which place in it.

    Args:
        body: The body.
        offset: Where the grammar stopped, in characters.
        expected: What it expected there, in words.
    """
    is_short = len(body) <= _LONGEST_BODY
    if is_short and (told := _in_json(body)):
        return Told(told, 0)
    if broken := unclosed(body, _QUOTES):
        return broken
    told = (is_short and _in_wrappers(body)) or quote_inside(body, offset, _QUOTES)
    told = (
        told
        or (is_short and _unfinished(body))
        or _at(body, offset)
        or f"expected {expected}, found {excerpt(body[offset:])}"
    )
    return Told(told, offset)


def _in_json(body: str) -> str | None:
    if not (calls := calls_in_json(body)):
        return None
    forms = [right_form(call.name, (), call.arguments, Body.PYTHON) for call in calls]
    return f"bodies are Python here, not JSON; {one_by_one(forms)}"


def _in_wrappers(body: str) -> str | None:
    """Calls that stand in something, or several, or one with something after it."""
    seen, inner = _unwrapped(body)
    parts = _parts(inner)
    is_call = [read_python(part, Profile()) is not None for part in parts]
    verb = "is" if len(seen) == 1 else "are"
    wrapped = f"{' and '.join(seen)} {verb} no part of a body; " if seen else ""
    if all(is_call) and (seen or len(parts) > 1):
        return wrapped + one_by_one([excerpt(part, LONGEST) for part in parts])
    if seen and (told := _in_json(inner)):
        return wrapped + told
    if seen:
        return f"{wrapped}write the call alone, as in f(x=1)"
    if call := _first_call(body):
        return f"nothing follows the call; write {excerpt(call, LONGEST)}"
    return None


def _unfinished(body: str) -> str | None:
    whole = completed(body, _QUOTES)
    if whole is None or read_python(whole, Profile()) is None:
        return None
    return f"a bracket is not closed; write {excerpt(whole, LONGEST)}"


def _unwrapped(body: str) -> tuple[list[str], str]:
    """What is written around calls, from outside, and what is left."""
    for name, begin, end in _WRAPPERS:
        if (found := begin.match(body)) and (not end or body.endswith((end, "`"))):
            seen, inner = _unwrapped(body[found.end() :].rstrip(end).strip())
            return list(dict.fromkeys([name, *seen])), inner
    return [], body


def _parts(code: str) -> list[str]:
    """The parts of code that stand between separators outside brackets and strings."""
    parts, depth, begin = [], 0, 0
    for found in _BRACKETS_AND_SEPARATORS.finditer(blank_strings(code, _QUOTES)):
        if found[0] in "([{":
            depth += 1
        elif found[0] in ")]}":
            depth -= 1
        elif depth == 0:
            parts.append(code[begin : found.start()])
            begin = found.end()
    stripped = (part.strip() for part in [*parts, code[begin:]])
    return [part.removeprefix("await ") for part in stripped if part]


def _first_call(code: str) -> str | None:
    """The call that code begins with, where more follows."""
    blanked = blank_strings(code, _QUOTES)
    depth = 0
    for found in re.finditer(r"[()]", blanked):
        depth += 1 if found[0] == "(" else -1
        if depth <= 0:
            part = code[: found.end()]
            return part if part != code and read_python(part, Profile()) else None
    return None


# ------------------------------------------------------------------- where the grammar stopped

_Told: TypeAlias = Callable[[re.Match[str], re.Match[str]], str]


def _plainly(text: str) -> _Told:
    return lambda _before, _rest: text


_VALUE: Final = "nothing is evaluated"
# What stands before the place, what stands after it, and what is told.
_AT: Final[tuple[tuple[str, str, _Told], ...]] = (
    (
        r"(?i)\b(\w*f\w*)\Z",
        r"([\"'])",
        _plainly(f"{_VALUE}, so there are no f-strings; write the finished text in plain quotes"),
    ),
    (
        r"(?i)\b(\w*b\w*)\Z",
        r"([\"']).*?\1",
        lambda before, rest: f"there are no bytes; write {rest[0]} without {before[1]}",
    ),
    (
        r"\b([A-Za-z]+)\s*\Z",
        r"([\"']).*?\1",
        lambda before, rest: f"no string has the prefix {before[1]}; write {rest[0]}",
    ),
    (
        r"[(,=:\[{]\s*([A-Za-z_][\w.]*)\s*\Z",
        r"\(",
        lambda before, _: (
            f"an argument is no call; call {before[1]}(…) in a block of its own first, and write "
            "the identifier of that call here"
        ),
    ),
    (
        r"[(,=:\[{]\s*([A-Za-z_]\w*)\s*\Z",
        r"\.\s*(\w+)",
        lambda before, rest: f'write {before[1]}["{rest[1]}"] for a part of a result',
    ),
    (
        r"\b(not|lambda|await)\s*\Z",
        r"",
        lambda before, _: f"{_VALUE}, so there is no `{before[1]}` here; write the value itself",
    ),
    (r"", r"#", _plainly("a body has no comments; leave it out")),
    (r"", r"\\[\r\n]", _plainly("a line goes on without a backslash; leave it out")),
    (r"[(,]\s*\Z", r"\*", _plainly("there is no * and no **; write each argument out, as in x=1")),
    (r"", r":=", _plainly("write = between an argument and its value")),
    (r"", r"\.\.\.|…", _plainly("... is no value; write the value itself")),
    (
        r"\{\s*\Z",
        r"([^\"'{}:]*)\}",
        lambda _, rest: f"there are no sets; write a list: [{rest[1]}]",
    ),
    (r"\{[^{}:]*\Z", r"[,}]", _plainly("there are no sets; write a list, as in [1, 2]")),
    (
        r"[{,]\s*\Z",
        r"([-+]?[\w.]+)\s*:",
        lambda _, rest: f'a key is a string; write "{rest[1]}"',
    ),
    (
        r"[(,]\s*([A-Za-z_]\w*)\s*\Z",
        r":\s*(\S[^,)]*)",
        lambda before, rest: f"an argument is written with =: {before[1]}={excerpt(rest[1])}",
    ),
    (
        r"\b([0-9][\w.]*)\Z",
        r"([-/:][0-9][\w:./-]*)",
        lambda before, rest: (
            f'nothing is calculated; text stands in quotes: "{before[1]}{rest[1]}"'
        ),
    ),
    (
        r"\b([0-9][\w.]*)\Z",
        r"([A-Za-z_]\w*)",
        lambda before, rest: (
            f"{before[1]}{rest[1]} is no number; write digits, or quotes around it"
        ),
    ),
    (
        r"",
        r"(for|if|else|and|or|not|in|is|lambda|await)\b",
        lambda _, rest: f"{_VALUE}, so there is no `{rest[1]}` here; write the value itself",
    ),
    (
        r"[(,=:\[{]\s*([A-Za-z_]\w*)[ \t]+\Z",
        r"(\w+(?:[ \t]+\w+)*)",
        lambda before, rest: f'text stands in quotes; write "{before[1]} {rest[1]}"',
    ),
    (
        r"\A([A-Za-z_][\w.]*)\Z",
        r"\Z",
        lambda before, _: f"a call has parentheses; write {before[1]}()",
    ),
    (
        r"\A([A-Za-z_][\w.]*)\Z",
        r"([-/:][\w./:-]+)\(",
        lambda before, rest: (
            "a name has letters, digits, _ and dots; "
            f"write {before[1]}{re.sub(r'[^A-Za-z0-9_.]', '_', rest[1])}(…)"
        ),
    ),
    (
        r"[\w\"')\]}]\s*\Z",
        r"[-+*/%|&^<>@!]|==",
        _plainly("nothing is calculated, so there are no operators; write the value itself"),
    ),
    (r"", r"[-+]", _plainly("a sign stands once, directly before its digits, as in -1")),
    (
        r"\]\s*\Z",
        r"\.\s*(\w+)",
        lambda _, rest: f'a part of a result is written ["{rest[1]}"], not .{rest[1]}',
    ),
    (r"\A\Z", r"", _plainly("the body is empty; write one call, as in f(x=1)")),
    (r"\A[^(]*\Z", r"", _plainly("this is no call; write one, as in f(x=1)")),
)
_COMPILED: Final = tuple(
    (re.compile(before, re.DOTALL), re.compile(rest, re.DOTALL), told) for before, rest, told in _AT
)


def _at(body: str, offset: int) -> str | None:
    """What is told by what stands before the place, and after it."""
    before, rest = body[:offset], body[offset : offset + LONGEST]
    if offset > LONGEST:
        before = f"(…{before[-LONGEST:]}"
    for pattern, following, told in _COMPILED:
        if (left := pattern.search(before)) and (right := following.match(rest)):
            return told(left, right)
    return None
