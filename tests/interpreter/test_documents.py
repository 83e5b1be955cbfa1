"""The documents: their generated parts are up to date, and what they point at is there."""

import re

import document_parts
import pytest

from cml.diagnostics import RULES
from interpreter.machine import RULE_NAMES
from interpreter.rules.failures import FAILURES
from interpreter.vectors import read_vector

DOCUMENTS = document_parts.with_parts()
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
WITH_PARTS = {"3-semantics", "theory_of_operation", "tour"}


def test_the_documents_are_there() -> None:
    assert {path.stem for path in DOCUMENTS} >= WITH_PARTS


@each_document
def test_generated_parts_are_what_is_generated(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert document_parts.regenerated(text) == text


@pytest.mark.parametrize("name", sorted(WITH_PARTS))
def test_a_document_has_generated_parts(name) -> None:
    [text] = (path.read_text(encoding="utf-8") for path in DOCUMENTS if path.stem == name)
    assert document_parts.PART.search(text)
    assert text.count("<!-- generated:") == len(document_parts.PART.findall(text))


@each_document
def test_links_lead_somewhere(path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@each_document
def test_rules_that_are_named_exist(path) -> None:
    named = re.findall(r"\b(?:Step|Settle)/[a-z-]+", path.read_text(encoding="utf-8"))
    assert set(named) <= set(RULE_NAMES)


@pytest.mark.parametrize("name", ["travel", "mended-order"])
def test_the_tables_of_a_tour_hold_every_row_and_the_whole_context(name) -> None:
    text = (document_parts.DOCUMENTS / "tour.md").read_text(encoding="utf-8")
    tables = [m[0] for m in document_parts.PART.finditer(text) if f" {name} " in m[1]]
    cells = [
        row.split(" | ") for table in tables for row in table.splitlines() if row.count("|") == 5
    ]
    grown = (re.fullmatch(r"(?:`(.*)`)? ?\|", row[3].rstrip()) for row in cells if len(row) == 4)
    vector = read_vector(document_parts.VECTORS / f"{name}.json")
    assert "".join(match[1] or "" for match in grown if match) == vector.context


def test_the_diagram_of_the_phases_names_every_rule_that_changes_the_phase() -> None:
    changing = {
        row.rule
        for before, row, after in document_parts.firings()
        if before.phase is not after.phase
    }
    drawn = document_parts.phases()
    assert {rule for rule in changing if rule not in drawn} == set()
    assert {"Step/begin", "Step/trap", "Step/stop", "Settle/wake", "Settle/finish"} <= changing


def test_the_table_of_failures_is_what_the_rules_did_in_the_vectors() -> None:
    seen = {fault.kind: fault for fault in document_parts.faults() if fault.kind}
    assert set(seen) == set(FAILURES)
    for kind, failure in FAILURES.items():
        assert seen[kind].outcomes == {failure.outcome.value}, kind
        assert (document_parts.OWN in seen[kind].names) == failure.own, kind
        if kind != "malformed":
            assert seen[kind].reports == ({failure.report} if failure.report else set()), kind


def test_every_rule_that_can_make_a_block_malformed_is_seen_to_be_reported() -> None:
    """Those of the codes CML102 to CML111, without those of interrupts and of stray markers."""
    codes = {f"CML{number}" for number in range(102, 112)}
    of_blocks = {name for name, rule in RULES.items() if rule.code in codes}
    never = {"Valid/stray-marker", "Valid/interrupt-head", "Valid/interrupt-value"}
    [malformed] = [fault for fault in document_parts.faults() if fault.kind == "malformed"]
    assert malformed.reports == of_blocks - never
