"""Rules explained from the specification itself: its text and its examples."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from cml.diagnostics import RULES
from cml.text.grammar import specification

_RULE: Final = r"[A-Z][a-z]+/[a-z-]+"
_HEADED: Final = re.compile(rf"^### ({_RULE})")
_BOLD: Final = re.compile(rf"\*\*({_RULE})\.?\*\*")
_PART: Final = re.compile(r"^(?:\| |- |\d+\. )", re.MULTILINE)
"""A row of a table, or an item of a list."""
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
    """Return the texts of the rules of a document: what follows a heading or a paragraph that names one, up to the
    next; and the rows and items that name one, which belong to the rule around them as well.
    """
    sections: dict[str, list[str]] = {}
    parts: dict[str, str] = {}
    at: list[str] = []  # what the next paragraph goes on with
    for block in text.split("\n\n"):
        if _PART.match(block):
            parts |= dict(_parts_of(block))
        elif named := _HEADED.match(block) or _BOLD.search(block):
            at = sections.setdefault(named[1], [])
        elif block.lstrip().startswith("#"):
            at = []
        at.append(block.removeprefix("### "))
    whole = {name: "\n\n".join(blocks).strip() + "\n" for name, blocks in sections.items()}
    return parts | whole


def _parts_of(block: str) -> Iterator[tuple[str, str]]:
    starts = [match.start() for match in _PART.finditer(block)]
    for start, end in pairwise([*starts, len(block)]):
        part = _PART.sub("", block[start:end], 1).strip()
        if named := _BOLD.search(part):
            is_row = block.startswith("|", start)
            yield named[1], (part.rstrip("| ").replace(" | ", ": ") if is_row else part) + "\n"
