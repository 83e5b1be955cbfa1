"""Strings that end where their writer did not mean them to."""

import re
from typing import Final

from cml.advice.wording import LONGEST, Told, excerpt
from cml.text.literals import strings

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_ENDS_VALUE: Final = r"(?=[ \t\r\n]*(?:[,)\]}:]|\Z))"


def unclosed(code: str, quotes: str) -> Told | None:
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
    remedy = _backslash(line, quote[0]) or _line_break(code, begin, found.end, quote)
    return Told(f"the string {excerpt(line)} is not closed on its line; {remedy}", begin)


def _backslash(line: str, quote: str) -> str | None:
    """A backslash before the quote that should close the string, as in a path."""
    meant = re.match(rf"({quote}[^{quote}]*\\){quote}{_ENDS_VALUE}", line)
    if meant is None:
        return None
    doubled = re.sub(r"\\+", r"\\\\", meant[1])
    return f"a backslash before a quote takes it along: write {doubled}{quote}"


def _line_break(code: str, begin: int, end: int, quote: str) -> str:
    line_break = f"write a line break in it as \\n, and close it with {quote}"
    meant = re.match(rf"[^{quote[0]}]*{quote}{_ENDS_VALUE}", code[end:])
    if meant is None:
        return line_break
    literal = _LINE_END.sub(r"\\n", code[begin : end + meant.end()]).removeprefix(quote)
    right = quote[0] + literal.removesuffix(quote) + quote[0]
    return f"write {right}" if len(right) <= LONGEST else line_break


def quote_inside(code: str, offset: int, quotes: str) -> str | None:
    """Say how a quote inside a string is written, where a string has just ended at such a one.

    Args:
        code: A body.
        offset: Where a reader could not go on.
        quotes: The characters that open its strings.
    """
    before = code[:offset].rstrip()
    ended = next((s for s in strings(code, quotes) if s.end == len(before)), None)
    if ended is None or not re.match(r"[^\W\d]|[\"']|[ \t]*\w+[\"' ]", code[offset:]):
        return None
    quote = code[ended.begin]
    if code[offset] in quotes and before == code[:offset]:
        return f"strings are joined where a space parts them; inside a string write \\{quote} for a quote"
    meant = re.search(rf"{quote}{_ENDS_VALUE}", code[offset:])
    if meant is None:
        return None
    content = code[ended.begin + 1 : offset + meant.start()]
    if "\n" in content or len(content) > LONGEST:
        string = excerpt(before[ended.begin :])
        return f"the string {string} ended at a quote inside it; write \\{quote} there"
    other = next((q for q in quotes if q != quote and q not in content), None)
    escaped = re.sub(rf"(?<!\\){quote}", lambda found: f"\\{found[0]}", content)
    right = f"{other}{content}{other}" if other else f"{quote}{escaped}{quote}"
    return f"a quote inside a string ends it; write {right}"
