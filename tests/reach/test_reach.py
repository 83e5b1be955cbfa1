"""Each decision of the specification is found by a vector if it is taken the other way."""

import re
from pathlib import Path

import pytest
from reach_document import PAGE, PART, SHARES, regenerated
from reach_faults import committed

TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = {match[2]: match[0] for match in PART.finditer(TEXT)}
SPEC = Path(__file__).parents[2] / "spec"


def told(name: str) -> dict[str, list[str]]:
    """The decisions of a share in the document, and the vectors that it names for each."""
    rows = re.findall(r"^\| (.*?) \| .*? \| (.*?) \|$", SECTIONS[name], re.MULTILINE)[1:]
    return {decision: re.findall("`(.*?)`", vectors) for decision, vectors in rows}


@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name, share in SHARES.items() for fault in share.faults],
    ids=lambda value: getattr(value, "decision", value),
)
def test_the_vectors_that_the_document_names_fail(name, fault) -> None:
    vectors = told(name)[fault.decision]
    assert vectors, f"no vector finds: {fault.decision}"
    assert SHARES[name].failing(vectors) == []
    with committed(fault):
        assert SHARES[name].failing(vectors) == vectors


@pytest.mark.parametrize("name", SHARES)
def test_the_document_has_each_fault_once_and_no_other(name) -> None:
    assert list(told(name)) == [fault.decision for fault in SHARES[name].faults]


@pytest.mark.slow
def test_the_document_is_what_comes_out() -> None:
    assert regenerated(TEXT) == TEXT


def test_the_text_that_is_named_is_there() -> None:
    chapters = "".join(path.read_text(encoding="utf-8") for path in SPEC.glob("*.md"))
    for share in SHARES.values():
        for fault in share.faults:
            is_page = (SPEC / fault.rule).exists()
            assert is_page or re.search(
                rf"^[-\d. ]*(\*\*|#+ ){fault.rule}\b", chapters, re.MULTILINE
            ), fault.rule


def test_every_section_has_a_half() -> None:
    assert list(SECTIONS) == list(SHARES)
