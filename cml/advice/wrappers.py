"""What models write around a call: fences, tags, words, quotes. It is taken off, and said."""

import re
from typing import Final

_MOST: Final = 16  # that are taken off
_CALL: Final = r"(?=(?:await\s++)?+[A-Za-z_][\w.]*+[ \t]*+\()"
_JSON: Final = r"(?=\{|\[\s*+\{|[A-Za-z_][\w.]*+[ \t]*+:?+[ \t]*+\{|<(?:function|invoke)\b)"
_EITHER: Final = f"(?:{_CALL}|{_JSON})"
# What begins and what ends it. Nothing is ever tried twice.
_WRAPPERS: Final = tuple(
    (name, re.compile(begin), re.compile(end))
    for name, begin, end in (
        ("a fence", r"`{1,3}+(?:\w++\s)?+", r"(?<!`)`++\Z"),
        ("`await`", r"(?:await\s++)++", r"\Z"),
        ("`return`", r"(?:return\s++)++", r"\Z"),
        ("an assignment", rf"\w++(?:\s*+:[^=({{]*+|\s*+)=\s*+{_EITHER}", r"\Z"),
        ("a list", rf"\[\s*+{_CALL}", r"\]\Z"),
        ("a bracket around it", rf"\(\s*+{_CALL}", r"\)\Z"),
        ("a bracket around it", rf"\{{\s*+{_CALL}", r"\}\Z"),
        ("a bracket around it", r"\{(?=\{\s*+[\"'])", r"(?<=\})\}\Z"),
        (
            "a tag",
            rf"(?:<[\w:|-]++>|\[[A-Z_]++\])\s*+(?:{_EITHER}|(?=\[[A-Z_]++\]))",
            r"(?:</?[\w:|-]++>|\[/?[A-Z_]++\]|)\Z",
        ),
        ("a pair of quotes", rf"[\"'](?=\{{|\[\s*+\{{|{_CALL})", r"[\"']\Z"),
        ("a word before the call", rf"(?:[A-Za-z_]\w*+:?+[ \t]++)++{_EITHER}", r"\Z"),
        ("a semicolon", r"(?=[^;]*+;\Z)", r";\Z"),
    )
)


def unwrapped(body: str) -> tuple[list[str], str]:
    """Return what is written around calls, from outside, and what is left.

    Args:
        body: A body that is no call.
    """
    seen: list[str] = []
    while len(seen) < _MOST:
        found = (
            (name, body[left.end() : right.start()].strip())
            for name, begin, end in _WRAPPERS
            if (left := begin.match(body)) and (right := end.search(body, left.end()))
        )
        name, inner = next(found, (None, body))
        if name is None:
            break
        seen.append(name)
        body = inner
    return list(dict.fromkeys(seen)), body


def in_words(seen: list[str]) -> str:
    """Say that what was taken off is no part of a body; nothing where nothing was."""
    verb = "is" if len(seen) == 1 else "are"
    return f"{' and '.join(seen)} {verb} no part of a body; " if seen else ""
