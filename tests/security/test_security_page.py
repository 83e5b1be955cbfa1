"""The page on security names defences that are there, and the benchmark is of every reader."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_threat_has_tests_that_there_are() -> None:
    there_are = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    table = PAGE.partition("## Threats")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 18
    for threat, *_, named in rows:
        tests = re.findall(r"`(test_\w+)`", named)
        assert tests, threat
        assert set(tests) <= there_are, threat


def test_every_reader_is_given_what_is_hard_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it takes is measured by the benchmark; that each still reads it is seen here."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    hostile = importlib.import_module("hostile")
    for reader in hostile.READERS.values():
        reader.read(reader.make(reader.base))
    measured = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    table = measured.partition("## Hostile input")[2].partition("\n## ")[0]
    told = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if " | " in line]
    assert told[1:] == list(hostile.READERS)
