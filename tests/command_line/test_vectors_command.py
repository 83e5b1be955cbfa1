"""`cml vectors` as the author of another runtime meets it: levels, one vector alone, reports, a baseline."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import running
from extras import from_extra

from cml.profile import Level

Cml = Callable[..., running.Ended]
ROOT = Path(__file__).parents[2]
RIGHT = (sys.executable, "-m", "cml.vectors.answer")
CORE_RUNTIME = """
import json, sys
from msgspec.json import encode
from interpreter.vectors.answer import answer

for line in sys.stdin:
    asked = json.loads(line)
    where = asked.setdefault("settings", {}) if asked["id"].startswith("runs/") else asked
    if not asked["id"].startswith("schedules/"):
        where.setdefault("profile", {})["level"] = "core"
    print(encode(answer(json.dumps(asked).encode())).decode())
"""
WRONG_ONCE = """
import json, sys
from cml.vectors.answer import LanguageRequest, answer
from msgspec import convert, json as fast

for line in sys.stdin:
    found = fast.encode(answer(fast.decode(line, type=LanguageRequest)))
    print(found.decode().replace('"canonical":"', '"canonical":"!') if "{}" in line else found.decode())
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


@pytest.fixture
def wrong(folder: Path) -> tuple[str, str]:
    """A runtime that answers one vector wrong."""
    (folder / "wrong.py").write_text(WRONG_ONCE.replace("{}", "invalid/identifier-twice"))
    return (sys.executable, "wrong.py")


def listed(cml: Cml, *words: str) -> set[str]:
    return {line.partition(":")[0] for line in cml("vectors", "--list", *words).out.splitlines()}


def test_levels_contain_one_another(cml: Cml) -> None:
    core, futures, extended = (listed(cml, "--level", level.value) for level in Level)
    assert core < futures < extended
    assert "schedules/lpt-tie" in core
    assert "runs/prose-only" in core


def test_a_runtime_of_the_core_level_passes_at_it_and_not_above(cml: Cml, folder: Path) -> None:
    from_extra("optimal", "ortools")
    (folder / "core.py").write_text(CORE_RUNTIME)
    runtime = (sys.executable, "core.py")
    passed = cml("vectors", "--level", "core", *runtime)
    assert (passed.status, passed.err) == (0, "")
    above = cml("vectors", "--only", "invalid", "--only", "malformed", *runtime)
    assert above.status == 1


def test_a_report_says_how_markers_were_spelled(cml: Cml) -> None:
    words = ("--markers", "token", "--only", "runs/travel", "--json")
    document = json.loads(cml("vectors", *words, "true").out)
    assert document["markers"] == "token"
    [only] = document["results"]
    assert only["repeat"].startswith("cml vectors --markers token --only runs/travel ")


def test_reports_are_those_of_conformance(cml: Cml, wrong: tuple[str, str]) -> None:
    from_extra("conformance", "junitparser")
    files = ("r.json", "r.xml", "r.html", "r.svg")
    words = [word for name in files for word in ("--report", name)]
    found = cml("vectors", "--only", "invalid", *words, *wrong)
    assert found.status == 1
    document = json.loads(Path("r.json").read_text())
    assert document["runtime"] == shlex.join(wrong)
    assert document["markers"] == "text"
    assert document["counts"]["fail"] == 1
    [failed] = [each for each in document["results"] if each["ending"] == "fail"]
    assert failed["id"] == "invalid/identifier-twice"
    assert failed["rules"]
    [suite] = ET.fromstring(Path("r.xml").read_text())
    assert (suite.get("failures"), suite.get("name")) == ("1", f"cml vectors {shlex.join(wrong)}")
    assert "1 failed" in Path("r.html").read_text()
    assert "1 failed" in Path("r.svg").read_text()


def test_one_vector_runs_alone_as_the_report_says(cml: Cml, wrong: tuple[str, str]) -> None:
    document = json.loads(cml("vectors", "--only", "invalid", "--json", *wrong).out)
    [repeat] = [each["repeat"] for each in document["results"] if each["ending"] == "fail"]
    program, *words = shlex.split(repeat)
    again = cml(*words)
    assert (program, again.status) == ("cml", 1)
    assert "\n1 failed" not in again.out
    assert "0 passed, 1 failed" in again.out


def test_a_baseline_expects_a_wrong_answer_and_goes_stale(cml: Cml, wrong: tuple[str, str]) -> None:
    Path("known.txt").write_text("invalid/identifier-twice  # not yet\n")
    words = ("vectors", "--only", "invalid", "--baseline", "known.txt")
    expected = cml(*words, *wrong)
    assert expected.status == 0
    assert "1 expected-fail" in expected.out
    stale = cml(*words, *RIGHT)
    assert stale.status == 1
    assert "take it out of the baseline" in stale.out


def test_one_baseline_serves_every_level_and_profile(cml: Cml) -> None:
    Path("known.txt").write_text("syntax/trap\nruns/progress-then-result\nruns/prose-only\n")
    assert {*listed(cml), *listed(cml, "--markers", "token")} >= {
        *Path("known.txt").read_text().split()
    }
    only = ("--markers", "token", "--level", "core", "--only", "runs/prose-only")
    words = ("vectors", *only, "--json")
    document = json.loads(cml(*words, "--baseline", "known.txt", "true").out)
    assert [(each["id"], each["ending"]) for each in document["results"]] == [
        ("runs/prose-only", "expected-fail")
    ]
    Path("known.txt").write_text("syntax/nonsense\n")
    document = json.loads(cml(*words, "--baseline", "known.txt", "true").out)
    assert document["results"][0]["id"] == "syntax/nonsense"
    assert "there is no such check" in document["results"][0]["message"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Missing argument 'COMMAND...'"),
        (("--only", "nonsense", "true"), "there is no check 'nonsense'"),
        (("--only", "runs/progress-then-result", "--level", "core", "true"), "at the level core"),
        (("--markers", "token", "--only", "syntax", "true"), "extended --markers token; --list"),
        (("--report", "r.txt", "true"), "ends in none of these: .json"),
        (("--kind", "runs", "true"), "No such option '--kind'"),
    ],
)
def test_a_mistake_is_told(cml: Cml, words: tuple[str, ...], told: str) -> None:
    found = cml("vectors", *words)
    assert (found.status, found.out) == (2, "")
    assert told in found.err


def test_a_command_line_in_quotes_is_told(cml: Cml) -> None:
    found = cml("vectors", "--only", "runs/prose-only", "node answer.js")
    assert (found.status, found.out) == (1, "")
    assert "write the command without quotes around it" in found.err


@pytest.mark.parametrize("module", ["cml.vectors.answer", "interpreter.vectors.answer"])
def test_an_answerer_says_what_it_is(module: str) -> None:
    asked = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert f"usage: python -m {module}" in done.stdout
