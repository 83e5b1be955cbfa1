"""Python bodies that are no call: each form that models are known to write has a line in a table."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from cml.advice.json_calls import calls_in_json
from cml.advice.mending import mended
from cml.advice.strings import quote_inside, unclosed
from cml.advice.wording import (
    CURLY_QUOTES,
    LONGEST,
    BodyAdvice,
    completed,
    excerpt,
    right_arguments,
    right_form,
    write_calls,
)
from cml.advice.wrappers import in_words, unwrapped
from cml.profile import Body, Level, Profile
from cml.text.invocation import Invocation
from cml.text.literals import CALL_QUOTES, blank_strings, string_patterns
from cml.text.valid_bodies import read_if_valid

_QUOTES: Final = CALL_QUOTES[Body.PYTHON]
_STRING: Final = string_patterns(_QUOTES)[0]
_LONGEST_BODY: Final = 20_000  # of which another form is looked for
_PATTERN: Final = "write one call, as in f(x=1)"
_BRACKETS_AND_SEPARATORS: Final = re.compile(r"[][(){},;\n]")


def python_advice(body: str, offset: int, expected: str, profile: Profile) -> BodyAdvice:
    """Return what to tell a model of a body that the grammar refused, and of which place in it.

    Args:
        body: The body.
        offset: Where the grammar stopped, in characters.
        expected: What it expected there, in words.
        profile: What a right form has to keep to.
    """
    is_short = len(body) <= _LONGEST_BODY
    if is_short and (told := _in_json(body, profile)):
        return BodyAdvice(told, 0)
    if broken := unclosed(body, _QUOTES):
        return broken
    told = (_in_wrappers(body, profile) or mended(body, profile)) if is_short else None
    told = told or quote_inside(body, offset, _QUOTES)
    told = told or (_unfinished(body, profile) if is_short else None)
    told = (
        told
        or _at(body, offset, profile)
        or f"expected {expected}, found {excerpt(body[offset:]) or 'the end'}; {_PATTERN}"
    )
    return BodyAdvice(told, offset)


def _in_json(body: str, profile: Profile) -> str | None:
    if not (calls := calls_in_json(body, profile.limits)):
        return None
    remedy = write_calls([written.call for written in calls], profile)
    return f"bodies are Python here, not JSON; {remedy}"


def _in_wrappers(body: str, profile: Profile) -> str | None:
    """Calls that stand in something, or several, or one with something after it."""
    seen, inner = unwrapped(body)
    calls = [read_if_valid(part, profile) for part in _parts(inner)]
    wrapped = in_words(seen)
    if (seen or len(calls) > 1) and (read := [call for call in calls if call]) == calls and read:
        return wrapped + write_calls(read, profile)
    if seen and (told := _in_json(inner, profile)):
        return wrapped + told
    if seen:
        return f"{wrapped}write the call alone, as in f(x=1)"
    if call := _first_call(body, profile):
        return f"nothing follows the call; {write_calls([call], profile)}"
    return None


def _unfinished(body: str, profile: Profile) -> str | None:
    whole = completed(body, _QUOTES)
    if whole is None or (call := read_if_valid(whole, profile)) is None:
        return None
    return f"a bracket is not closed; {write_calls([call], profile)}"


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


def _first_call(code: str, profile: Profile) -> Invocation | None:
    """The call that code begins with, where more follows."""
    blanked = blank_strings(code, _QUOTES)
    depth = 0
    for found in re.finditer(r"[()]", blanked):
        depth += 1 if found[0] == "(" else -1
        if depth <= 0:
            part = code[: found.end()]
            return read_if_valid(part, profile) if part != code else None
    return None


def _first_part(code: str) -> str:
    """What stands in code, where a value may begin, before a separator or a bracket that closes."""
    depth = 0
    for found in _BRACKETS_AND_SEPARATORS.finditer(blank_strings(code, _QUOTES)):
        if found[0] in "([{":
            depth += 1
        elif depth == 0:
            return code[: found.start()]
        elif found[0] in ")]}":
            depth -= 1
    return code


# ------------------------------------------------------------------- where the grammar stopped


class _Place(NamedTuple):
    """A place in a body.

    Args:
        before: What stands before it.
        rest: What stands from there on.
        profile: What a right form has to keep to.
    """

    before: re.Match[str]
    rest: re.Match[str]
    profile: Profile

    def or_else(self, code: str, remedy: str, form: str = "write {}") -> str:
        """Return what to write, as `form` says it, if the code reads back; else the remedy."""
        right = right_arguments(code, self.profile)
        return remedy if right is None else form.format(right)

    def names(self, function: str) -> bool:
        """Whether a call may name a function so."""
        call = read_if_valid(f"{function}()", self.profile)
        return call is not None and right_form(call, self.profile) is not None


_Wording: TypeAlias = Callable[[_Place], str]


def _plainly(text: str) -> _Wording:
    return lambda _: text


def _nested(at: _Place) -> str:
    function = "".join(f"{at.before[1]}{at.rest[1]}".split())
    if at.profile.level is Level.CORE:
        return "an argument is no call, and this level has no results of calls; write the value"
    return (
        f"an argument is no call; call {function}(…) in a block of its own first, and write "
        "the identifier of that call here"
    )


def _colon(at: _Place) -> str:
    form = f"{at.before[1]}={_first_part(at.rest[1])}"
    return f"an argument is written with =: {at.or_else(form, 'x=1', '{}')}"


def _hyphen(at: _Place) -> str:
    name = f"{at.before[1]}{re.sub(r'[^A-Za-z0-9_.]', '_', at.rest[1])}"
    told = "a name has letters, digits, _ and dots"
    return f"{told}; write {name}(…)" if at.names(name) else told


def _curly(at: _Place) -> str:
    remedy = "write \" or ' around a text"
    if at.rest[2] is not None:
        remedy = at.or_else(f'"{at.rest[2]}"', remedy)
    return f"{at.rest[1]} is no quote that opens a string; {remedy}"


def _quoted(at: _Place) -> str:
    return f'text stands in quotes; write "{at.before[1].lstrip("(,=:[{ ")}{at.rest[1]}"'


def _other_beginning(at: _Place) -> str:
    call = _first_part(at.rest[2]).strip()
    read = read_if_valid(call, at.profile)
    remedy = write_calls([read], at.profile) if read else "write one call, as in f(x=1)"
    return f"a body begins with the name of a function, not with {at.rest[1]}; {remedy}"


_VALUE: Final = "nothing is evaluated"
_A_LIST: Final = "write a list, as in [1, 2]"
# What stands before the place, what stands after it, and what is told.
_AT: Final[tuple[tuple[str, str, _Wording], ...]] = (
    (r"", rf"([{CURLY_QUOTES}‘’])(?:([^{CURLY_QUOTES}‘’\"\\]*)[{CURLY_QUOTES}‘’])?", _curly),
    (r"\A\Z", r"([^\w\s\"'()\[\]{}.…#\\]+)\s*([A-Za-z_].*\))", _other_beginning),
    (
        r"(?i)\b(\w*f\w*)\Z",
        r"([\"'])",
        _plainly(f"{_VALUE}, so there are no f-strings; write the finished text in plain quotes"),
    ),
    (
        r"(?i)\b(\w*b\w*)\Z",
        _STRING,
        lambda at: (
            "there are no bytes; "
            + at.or_else(
                ("r" if "r" in at.before[1].lower() else "") + at.rest[0],
                "write text in plain quotes",
                f"write {{}} without {at.before[1]}",
            )
        ),
    ),
    (
        r"\b([A-Za-z]+)\s*\Z",
        _STRING,
        lambda at: (
            f"no string has the prefix {at.before[1]}; "
            + at.or_else(at.rest[0], "write it in plain quotes")
        ),
    ),
    (r"[(,=:\[{]\s*([A-Za-z_][\w.]*)\s*\Z", r"((?:\.\s*\w+\s*)*+)\(", _nested),
    (
        r"[(,=:\[{]\s*([A-Za-z_]\w*)\s*\Z",
        r"\.\s*(\w+)",
        lambda at: at.or_else(
            f'{at.before[1]}["{at.rest[1]}"]',
            f"{_VALUE}; write the value itself",
            "write {} for a part of a result",
        ),
    ),
    (
        r"\b(not|lambda|await)\s*\Z",
        r"",
        lambda at: f"{_VALUE}, so there is no `{at.before[1]}` here; write the value itself",
    ),
    (r"([(,=:\[{]\s*)\Z", r"([$€£¥#]\s?[\w.,]*\w)(?=\s*[,)\]}])", _quoted),
    (r"", r"#", _plainly("a body has no comments; leave it out")),
    (r"", r"\\[\r\n]", _plainly("a line goes on without a backslash; leave it out")),
    (r"[(,]\s*\Z", r"\*", _plainly("there is no * and no **; write each argument out, as in x=1")),
    (r"", r"\.\.\.|…", _plainly("... is no value; write the value itself")),
    (
        r"\{\s*\Z",
        r"([^\"'{}:]*)\}",
        lambda at: (
            f"there are no sets; {at.or_else(f'[{at.rest[1]}]', _A_LIST, 'write a list: {}')}"
        ),
    ),
    (r"\{[^{}:]*\Z", r"[,}]", _plainly(f"there are no sets; {_A_LIST}")),
    (
        r"[{,]\s*\Z",
        r"([-+]?[\w.]+)\s*:",
        lambda at: f'a key is a string; write "{at.rest[1]}"',
    ),
    (r"[(,]\s*([A-Za-z_]\w*)\s*\Z", r":\s*(\S.*)", _colon),
    (
        r"\b([0-9][\w.]*)\Z",
        r"([-/:][0-9][\w:./-]*)",
        lambda at: f'nothing is calculated; text stands in quotes: "{at.before[1]}{at.rest[1]}"',
    ),
    (r"(\b[0-9][\w.]*)\Z", r"(%|\.[0-9][\w.]*)(?=\s*[,)\]}])", _quoted),
    (
        r"[(,]\s*([A-Za-z_]\w*)\s*=\s*\Z",
        r"[,)]",
        lambda at: f"the argument {at.before[1]} has no value; write one, or leave it out",
    ),
    (
        r"\b([0-9][\w.]*)\Z",
        r"([A-Za-z_]\w*)",
        lambda at: f"{at.before[1]}{at.rest[1]} is no number; write digits, or quotes around it",
    ),
    (
        r"",
        r"(for|if|else|and|or|not|in|is|lambda|await)\b",
        lambda at: f"{_VALUE}, so there is no `{at.rest[1]}` here; write the value itself",
    ),
    (
        r"[(,=:\[{]\s*([A-Za-z_]\w*)[ \t]+\Z",
        r"(\w+(?:[ \t]+\w+)*)",
        lambda at: f'text stands in quotes; write "{at.before[1]} {at.rest[1]}"',
    ),
    (
        r"\A([A-Za-z_][\w.]*)\Z",
        r"\Z",
        lambda at: (
            f"a call has parentheses; write {at.before[1] if at.names(at.before[1]) else 'f'}()"
        ),
    ),
    (
        r"\A([A-Za-z_][\w.]*)\Z",
        r"([-/:][\w./:-]+)\(",
        _hyphen,
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
        lambda at: f'a part of a result is written ["{at.rest[1]}"], not .{at.rest[1]}',
    ),
    (r"\A\Z", r"\Z", _plainly("the body is empty; write one call, as in f(x=1)")),
    (r"\A[^(]*\Z", r"", _plainly("this is no call; write one, as in f(x=1)")),
)
_COMPILED: Final = tuple(
    (re.compile(before, re.DOTALL), re.compile(rest, re.DOTALL), told) for before, rest, told in _AT
)


def _at(body: str, offset: int, profile: Profile) -> str | None:
    """What is told by what stands before the place, and after it."""
    before, rest = body[:offset], body[offset : offset + LONGEST]
    if offset > LONGEST:
        before = f"(…{before[-LONGEST:]}"
    for pattern, following, told in _COMPILED:
        if (left := pattern.search(before)) and (right := following.match(rest)):
            return told(_Place(left, right, profile))
    return None
