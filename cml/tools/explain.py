"""Rules explained from the specification itself: its text and its examples."""

import re
from typing import Final

from cml.diagnostics import RULES
from cml.text.grammar import specification

_SECTION: Final = re.compile(r"^(?:### (?=[A-Z])|\*\*(?=Syntax/))", re.MULTILINE)
_HEADING: Final = re.compile(r"^#{1,6} ", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Z][a-z]+/[a-z-]+")
_DOCUMENTS: Final = (
    "1-syntax.md",
    "2-validity.md",
    "3-semantics.md",
    "4-time.md",
    "5-embedding.md",
)


class UnknownRuleError(KeyError):
    """A code or name that no rule has."""


def explain(name: str) -> str:
    """Return the text of a rule.

    Args:
        name: Its code, such as CML106, or its name, such as Valid/body; case does not matter.

    Raises:
        UnknownRuleError: There is none.
    """
    wanted = _rule_name(name)
    sections = rule_texts()
    if wanted in sections:
        return sections[wanted]
    if wanted in RULES:
        rule = RULES[wanted]
        return f"{wanted} ({rule.code}, {rule.severity.value})\n\n{rule.help}\n"
    raise UnknownRuleError(name)


def rule_names() -> list[str]:
    """Return the names of all rules that can be explained."""
    return sorted({*RULES, *rule_texts()})


def _rule_name(name: str) -> str:
    by_code = {rule.code.lower(): rule_name for rule_name, rule in RULES.items()}
    by_name = {rule_name.lower(): rule_name for rule_name in rule_names()}
    return by_code.get(name.lower()) or by_name.get(name.lower()) or name


def rule_texts() -> dict[str, str]:
    """Return the text of each rule in the specification, by its name; of one that two documents
    give, the one with examples.
    """
    sections: dict[str, str] = {}
    for document in _DOCUMENTS:
        file = specification() / document
        if file.is_file():
            sections |= _sections_of(file.read_text(encoding="utf-8"))
    return sections


def _sections_of(text: str) -> dict[str, str]:
    starts = [match.start() for match in _SECTION.finditer(text)]
    sections = {}
    for start in starts:
        first_line = text[start:].split("\n", 1)[0]
        name = _NAME.search(first_line)
        if name and name.start() <= 4:
            sections[name[0]] = _until_next(text, start)
    return sections


def _until_next(text: str, start: int) -> str:
    after = start + 1
    ends = [m.start() for p in (_SECTION, _HEADING) if (m := p.search(text, after))]
    is_paragraph = text.startswith("**", start)
    body = text[start : min(ends, default=len(text))]
    if is_paragraph:
        return body.strip() + "\n"
    return body.removeprefix("### ").strip() + "\n"
