"""The specification's examples are tests, and its rules are the code's rules."""

import re
from collections import Counter
from pathlib import Path

import pytest

from cml import Severity, validate
from cml.diagnostics import RULES
from cml.symbols import Marker
from cml.text.grammar import grammar_text, marker_terminals, specification
from cml.text.lints import _LOOKALIKES
from cml.text.monitor import EDGES
from cml.tools.profile_names import read_profile

SPEC = Path(str(specification()))
VALIDITY = (SPEC / "2-validity.md").read_text(encoding="utf-8")
SYNTAX = (SPEC / "1-syntax.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"^```cml (accept|reject) (\S+)(?: (\S+))?\n(.*?)\n```$", re.MULTILINE | re.DOTALL
)
EXAMPLES = [match.groups() for match in EXAMPLE.finditer(VALIDITY)]
DEFINED = dict(re.findall(r"^### (\S+) \((CML\d{3}), (?:error|warning)\)$", VALIDITY, re.MULTILINE))
# Only a session knows the functions of its host; bytes cannot be shown in a fence.
WITHOUT_EXAMPLES = {"Valid/known-function", "Syntax/encoding"}


@pytest.mark.parametrize(
    ("verdict", "rule", "profile", "text"),
    EXAMPLES,
    ids=[f"{rule}-{verdict}-{profile or 'python'}" for verdict, rule, profile, _ in EXAMPLES],
)
def test_example(verdict: str, rule: str, profile: str | None, text: str) -> None:
    found = Counter(d.rule for d in validate(text, read_profile(profile or "python")))
    if verdict == "accept":
        assert not found
    else:
        assert set(found) == {rule}


def test_every_rule_has_an_example_that_it_accepts_and_one_that_it_rejects() -> None:
    shown = {(verdict, rule) for verdict, rule, _, _ in EXAMPLES}
    for rule in DEFINED.keys() - WITHOUT_EXAMPLES:
        assert {("accept", rule), ("reject", rule)} <= shown


def test_the_rules_of_the_code_are_those_of_the_specification() -> None:
    coded = {name: r.code for name, r in RULES.items() if not name.startswith("Trace/")}
    assert coded == DEFINED
    for name, rule in RULES.items():
        if name in DEFINED:
            assert f"### {name} ({rule.code}, {rule.severity.value})" in VALIDITY


def test_codes_are_unique() -> None:
    assert len({rule.code for rule in RULES.values()}) == len(RULES)


def test_every_syntax_rule_that_the_code_names_is_defined() -> None:
    defined = set(re.findall(r"^\*\*(Syntax/[a-z-]+)\.\*\*", SYNTAX, re.MULTILINE))
    root = Path(__file__).parents[2]
    sources = [
        p for top in ("cml", "interpreter", "model_adapters") for p in (root / top).rglob("*.py")
    ]
    named = {n for p in sources for n in re.findall(r"Syntax/[a-z-]+", p.read_text("utf-8"))}
    assert named <= defined


def test_the_grammar_in_the_specification_is_the_one_that_is_loaded() -> None:
    printed = re.search(r"^```lark\n(.*)^```$", SYNTAX, re.MULTILINE | re.DOTALL)
    assert printed is not None
    assert printed[1] == (SPEC / "cml.lark").read_text(encoding="utf-8")


def test_the_terminals_for_text_follow_from_the_names_of_the_markers() -> None:
    assert grammar_text().endswith(marker_terminals())


def test_the_edges_in_the_specification_are_those_of_the_monitor() -> None:
    head = "| mode | " + " | ".join(f"`{m.value}`" for m in Marker) + " |"
    rows = [
        f"| {mode.value} | " + " | ".join(edges[m].value for m in Marker) + " |"
        for mode, edges in EDGES.items()
    ]
    assert "\n".join([head, "|---|" + "---|" * 5, *rows]) in SYNTAX


def test_severities_are_as_the_specification_says() -> None:
    warnings = {name for name, rule in RULES.items() if rule.severity is Severity.WARNING}
    lints = {"Lint/near-miss", "Lint/json-constant"}
    assert warnings == {"Valid/trap-wakes", "Trace/unfinished"} | lints


def test_the_look_alikes_are_those_of_the_table() -> None:
    table = re.search(r"\| read as (.*)\n.*\n\| Cyrillic (.*)\n\| Greek (.*)\n", VALIDITY)
    assert table is not None
    latin, *alphabets = ([cell.strip() for cell in row.split("|")[1:-1]] for row in table.groups())
    told = {
        chr(int(code.removeprefix("U+"), 16)): letter
        for row in alphabets
        for code, letter in zip(row, latin, strict=True)
        if code
    }
    assert told == {chr(a): chr(b) for a, b in _LOOKALIKES.items()}
