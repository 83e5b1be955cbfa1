"""Colours and explanations."""

import re

import pytest
from click.testing import CliRunner
from cml_strategies import any_text
from hypothesis import given
from pygments.token import Error, Keyword, Name, String, Text

from cml import Body
from cml.diagnostics import RULES
from cml.text.grammar import specification
from cml.tools.commands import explain_command
from cml.tools.explain import explain, rule_names
from cml.tools.highlight import CmlLexer


@given(any_text(Body.PYTHON))
def test_colours_cover_every_character_in_order(text: str) -> None:
    for body in Body:
        parts = list(CmlLexer(body=body.value).get_tokens_unprocessed(text))
        assert "".join(part for _, _, part in parts) == text
        assert [at for at, _, _ in parts] == sorted(at for at, _, _ in parts)


def test_colours() -> None:
    text = 'Hi [CALL] a [HEAD] f("x") [END][INTR] a [HEAD] "y" [END] [END]'
    kinds = {part: kind for _, kind, part in CmlLexer().get_tokens_unprocessed(text)}
    assert kinds["Hi "] is Text
    assert kinds["[CALL]"] is Keyword
    assert kinds[" a "] is Name.Label
    assert kinds["x"][:2] == String[:2]
    assert kinds['"y"'][:2] == String[:2]
    assert kinds["[END]"] is Error


@pytest.mark.parametrize("name", rule_names())
def test_every_rule_is_explained(name: str) -> None:
    assert name in explain(name)
    if name in RULES and not name.startswith("Trace/"):
        assert explain(RULES[name].code.lower()) == explain(name.upper()) == explain(name)


def test_explanation_has_the_example_and_nothing_of_the_next_rule() -> None:
    result = CliRunner().invoke(explain_command, ["CML106"])
    assert result.exit_code == 0
    assert "```cml reject Valid/body" in result.stdout
    assert "CML107" not in result.stdout


def test_rule_of_the_syntax() -> None:
    assert "backslash" in explain("Syntax/escape")
    assert "Syntax/string" not in explain("Syntax/escape")


def test_every_rule_that_the_specification_names_is_explained() -> None:
    chapters = "".join(file.read_text("utf-8") for file in specification().glob("[1-5]-*.md"))
    named = set(re.findall(r"\*\*([A-Z][a-z]+/[a-z-]+)\.?\*\*", chapters))
    assert {"Embed/owner", "Embed/masks", "Time/sync-request"} <= named <= set(rule_names())


def test_a_rule_in_a_row_or_an_item_is_explained_alone() -> None:
    assert explain("Embed/close") == "`close()`: **Embed/close** Releases the context.\n"
    assert explain("Time/policy-lpt").startswith("**Time/policy-lpt**: longest estimate first.")
    assert "Time/sync-request" in explain("Time/sync")


def test_unknown_rule() -> None:
    result = CliRunner().invoke(explain_command, ["Valid/bodi"])
    assert result.exit_code == 2
    assert "did you mean Valid/body" in result.stderr
