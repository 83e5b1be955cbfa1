"""Strings that end where their writer did not mean them to."""

import re
from typing import Final

from cml.advice.wording import LONGEST, BodyAdvice, excerpt
from cml.profile import Body, Profile
from cml.text.literals import CALL_QUOTES, strings
from cml.text.valid_bodies import read_if_valid

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_CONTINUED: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:\r\n|\r|\n)")
_ENDS_VALUE: Final = r"(?=[ \t\r\n]*(?:[,)\]}:]|\Z))"


def unclosed(code: str, quotes: str) -> BodyAdvice | None:
    """Say which string is not closed on its line, and what to write; None where all are.

    Args:
        code: A body, or a block from after its opener.
        quotes: The characters that open its strings.
    """
    found = next((s for s in strings(code, quotes) if not s.is_closed), None)
    if found is None:
        return None
    begin, quote = found.begin, code[found.begin]
    if code[max(begin - 2, 0) : begin] == 2 * quote:
        begin, quote = begin - 2, 3 * quote
    line = code[begin : found.end]
    remedy = _backslash(line, quote[0], quotes)
    remedy = remedy or _line_break(code, begin, found.end, quote, quotes)
    return BodyAdvice(f"the string {excerpt(line)} is not closed on its line; {remedy}", begin)


def _backslash(line: str, quote: str, quotes: str) -> str | None:
    """A backslash before the quote that should close the string, as in a path."""
    meant = re.match(rf"({quote}[^{quote}]*\\){quote}{_ENDS_VALUE}", line)
    if meant is None:
        return None
    doubled = re.sub(r"\\+", r"\\\\", meant[1])
    right = f"{doubled}{quote}"
    told = "a backslash before a quote takes it along"
    return f"{told}: write {right}" if _is_string(right, quotes) else told


def _line_break(code: str, begin: int, end: int, quote: str, quotes: str) -> str:
    line_break = f"write a line break in it as \\n, and close it with {quote}"
    meant = re.match(rf"[^{quote[0]}]*{quote}{_ENDS_VALUE}", code[end:])
    if meant is None:
        return line_break
    literal = code[begin : end + meant.end()].removeprefix(quote).removesuffix(quote)
    if code[max(begin - 1, 0) : begin] in {"r", "R"}:
        literal = literal.replace("\\", "\\\\")
    literal = _LINE_END.sub(r"\\n", _CONTINUED.sub(r"\1", literal))
    right = quote[0] + literal + quote[0]
    is_right = len(right) <= LONGEST and _is_string(right, quotes)
    return f"write {right}" if is_right else line_break


def _is_string(literal: str, quotes: str) -> bool:
    """Whether a string is read in the body language that has these quotes."""
    if quotes == CALL_QUOTES[Body.PYTHON]:
        return read_if_valid(f"f({literal})", Profile()) is not None
    body = f'{{"name": "f", "arguments": {{"x": {literal}}}}}'
    return read_if_valid(body, Profile(body=Body.JSON)) is not None


def quote_inside(code: str, offset: int, quotes: str) -> str | None:
    """Say how a quote inside a string is written, where a string has just ended at such a one.

    Args:
        code: A body.
        offset: Where a reader could not go on.
        quotes: The characters that open its strings.
    """
    before = code[:offset].rstrip()
    ended = next((s for s in strings(code, quotes) if s.end == len(before)), None)
    if ended and (told := _backslash(before[ended.begin :], code[ended.begin], quotes)):
        return told
    if ended is None or not re.match(r"[^\W\d]|[\"']|[ \t]*\w+[\"' ]", code[offset:]):
        return None
    quote = code[ended.begin]
    if code[offset] in quotes and before == code[:offset]:
        return f"strings are joined where a space parts them; inside a string write \\{quote} for a quote"
    meant = re.search(rf"{quote}{_ENDS_VALUE}", code[offset:])
    if meant is None:
        return None
    content = code[ended.begin + 1 : offset + meant.start()]
    if right := _quoted(content, quote, quotes):
        return f"a quote inside a string ends it; write {right}"
    string = excerpt(before[ended.begin :])
    return f"the string {string} ended at a quote inside it; write \\{quote} there"


def _quoted(content: str, quote: str, quotes: str) -> str | None:
    """Content of a string with quotes in it, as it is written; None where it is none, or long."""
    if "\n" in content or len(content) > LONGEST:
        return None
    other = next((q for q in quotes if q != quote and q not in content), None)
    escaped = re.sub(rf"(\\.)|{quote}", lambda found: found[1] or f"\\{quote}", content)
    plain = re.sub(rf"(\\\\)|\\{quote}", lambda found: found[1] or quote, content)
    right = f"{other}{plain}{other}" if other else f"{quote}{escaped}{quote}"
    return right if _is_string(right, quotes) else None
