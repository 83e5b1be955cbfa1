"""Each decision of the specification is found by a vector if it is taken the other way."""

import re
from pathlib import Path

import pytest
from reach_document import HALVES, PAGE, PART, failing, row

TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = {
    name: table
    for _, name, table in re.findall(r"(<!-- reach: (\w+) -->\n)(.*?)<!-- end", TEXT, re.DOTALL)
}
SPEC = Path(__file__).parents[2] / "spec"
each_fault = pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name, half in HALVES.items() for fault in half.faults],
    ids=lambda value: getattr(value, "decision", value),
)


@each_fault
def test_a_vector_fails_and_the_document_says_which(name, fault) -> None:
    half = HALVES[name]
    assert failing(half, fault), f"no vector finds: {fault.decision}"
    assert row(half, fault) in SECTIONS[name]


@pytest.mark.parametrize("name", HALVES)
def test_the_document_has_each_fault_once_and_no_other(name) -> None:
    told = re.findall(r"^\| (.*?) \|", SECTIONS[name], re.MULTILINE)[1:]
    assert told == [fault.decision for fault in HALVES[name].faults]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("name", HALVES)
def test_without_a_fault_no_vector_fails(name) -> None:
    assert HALVES[name].failing() == []


def test_the_text_that_is_named_is_there() -> None:
    chapters = "".join(path.read_text(encoding="utf-8") for path in SPEC.glob("*.md"))
    for half in HALVES.values():
        for fault in half.faults:
            is_page = (SPEC / fault.rule).exists()
            assert is_page or re.search(rf"^(\*\*|#+ ){fault.rule}\b", chapters, re.MULTILINE), (
                fault.rule
            )


def test_every_section_has_a_half() -> None:
    assert [name for _, name, _ in PART.findall(TEXT)] == list(HALVES)
