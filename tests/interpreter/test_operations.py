"""docs/operations.md says what the code does: log lines, notices, limits, figures, checksums."""

import json
import re
import zlib
from pathlib import Path

import pytest
from operations_parts import BOUNDS, MEANING, log_lines
from sources import ROOT, SOURCES

from cml.profile import Limits
from cml.text.grammar import specification
from interpreter.state import Settings
from interpreter.trace import MAX_NESTING, encode_row
from interpreter.vectors import read_vector

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CODE = "".join(path.read_text(encoding="utf-8") for path in SOURCES)


def section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_every_log_line_has_a_meaning_and_no_other() -> None:
    assert {each.text for each in log_lines()} == set(MEANING)


def test_no_line_is_logged_in_another_way() -> None:
    calls = re.findall(r"\b(?:LOG|_LOG)\.(?:debug|info|warning|error|exception|critical)\(", CODE)
    assert len(calls) == len(list(log_lines()))


def test_notices_are_those_of_the_sources() -> None:
    rows = re.findall(r"^\| `(.*)` \|", section("What each log line means"), re.MULTILINE)
    notices = [row for row in rows if " " in row and "`" not in row]
    assert len(notices) >= 5
    for notice in notices:
        parts = [part.strip() for part in re.split("…", notice)]
        assert all(part in CODE for part in parts), notice


def test_clauses_are_those_of_the_specification() -> None:
    chapter = (specification() / "5-embedding.md").read_text(encoding="utf-8")
    named = set(re.findall(r"Embed/[a-z-]+", PAGE))
    assert [clause for clause in named if f"**{clause}**" not in chapter] == []


def test_all_limits_and_settings_are_told() -> None:
    told = section("Limits and their defaults")
    for name in (*Limits.__struct_fields__, *Settings.__struct_fields__):
        assert told.count(f"| `{name}` |") == 1, name
    assert f"{MAX_NESTING} levels" in told
    assert all(f"{bound.module}.{bound.name}" in told for bound in BOUNDS)


@pytest.mark.parametrize("row", re.findall(r"^\| .* \|$", section("Sizing"), re.MULTILINE)[2:])
def test_figures_are_those_of_the_benchmarks(row) -> None:
    measured = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    figure = row.split(" | ")[1].partition(", about")[0].partition(" times")[0]
    for number in re.findall(r"\d[\d,.]*", figure.partition(" at 1,000")[0]):
        assert number.rstrip(".,") in measured, number


def test_the_checksum_is_what_the_page_says() -> None:
    [block] = re.findall(r"```json\n(.*?)\n```", section("Reading a trace by hand"), re.DOTALL)
    lines = block.splitlines()
    assert json.loads(lines[0])["cml_trace"] == 1
    for line in lines:
        before = line.encode()[: line.encode().index(b',"crc":"')]
        assert json.loads(line)["crc"] == f"{zlib.crc32(before):08x}"


def test_what_is_searched_for_is_there() -> None:
    vectors = Path(str(specification())) / "vectors" / "runs"
    rows = (row for path in vectors.glob("*.json") for row in read_vector(path).rows)
    written = b"".join(map(encode_row, rows)).decode()
    for wanted in re.findall(r"^grep '(.*?)'", section("Reading a trace by hand"), re.MULTILINE):
        assert wanted in written, wanted
    told = section("Reading a trace by hand")
    [reasons] = re.findall(r"with the reason: (.*?)\.", told)
    stated = set(re.findall(r'"type":"finish","reason":"(\w+)"', written))
    assert set(re.findall(r"`(\w+)`", reasons)) == stated | {"stop"}
