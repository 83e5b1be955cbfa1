"""Every run vector gives its rows and its context, and the set covers every rule."""

from pathlib import Path

import pytest

from cml.text.grammar import specification
from interpreter.machine import RULE_NAMES
from interpreter.vectors import read_vector, run_vector

VECTORS = sorted(Path(str(specification())).joinpath("vectors", "runs").glob("*.json"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_run_vector(path) -> None:
    vector = read_vector(path)
    rows, context = run_vector(vector)
    assert context == vector.context
    assert rows == vector.rows
    assert set(vector.rules) <= {row.rule for row in rows}
    assert vector.name == path.stem


def test_rules_in_the_specification_the_code_and_the_vectors_are_the_same() -> None:
    chapter = (specification() / "3-semantics.md").read_text(encoding="utf-8")
    specified = [line[4:] for line in chapter.splitlines() if line.startswith("### ")]
    exercised = {rule for path in VECTORS for rule in read_vector(path).rules}
    assert sorted(specified) == sorted(RULE_NAMES)
    assert exercised == set(RULE_NAMES)
