"""`cml conformance` as its users meet it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import running
from extras import from_extra

Cml = Callable[..., running.Ended]
ADAPTER = """
from time import sleep
from interpreter import EndOfDecoding, ScriptedSession
from model_adapters.opening import Opened

class Hanging(ScriptedSession):
    def rewind(self, characters):
        sleep(3600)

WORDS = [f"word{n} " for n in range(500)]

def good(request):
    return ScriptedSession([*WORDS[: request.max_tokens], EndOfDecoding("length")])

def marked(request):
    return Opened(good(request), "a script", takes=frozenset({"markers", "device"}))

def broken(request):
    raise ValueError("no weights")

def hanging(request):
    return Hanging(WORDS)

def never(request):
    sleep(3600)

def wordless(request):
    return ScriptedSession([])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "given_adapter.py").write_text(ADAPTER, encoding="utf-8")
    yield tmp_path
    sys.modules.pop("given_adapter", None)


def test_a_good_backend_passes(folder: Path, cml: Cml) -> None:
    found = cml("conformance", "python:given_adapter:good", "--level", "core", "--report", "r.json")
    assert (found.status, found.err) == (0, "")
    counts = json.loads((folder / "r.json").read_text())["counts"]
    assert counts["fail"] == counts["error"] == 0
    assert f"{counts['pass']} passed, {counts['not exercised']} not exercised" in found.out


def test_one_check_runs_alone_as_the_report_says(folder: Path, cml: Cml) -> None:
    found = cml("conformance", "python:given_adapter:good", "--only", "session/append", "--json")
    document = json.loads(found.out)
    [only] = document["results"]
    assert only["ending"] == "pass"
    assert only["repeat"] == "cml conformance python:given_adapter:good --only session/append"


def test_markers_as_tokens_are_put_to_the_test(folder: Path, cml: Cml) -> None:
    options = ("--markers", "token", "--seed", "7", "--device", "cpu")
    words = (*options, "--only", "vectors/tokens-truncated", "--json")
    document = json.loads(cml("conformance", "python:given_adapter:marked", *words).out)
    assert document["markers"] == "token"
    [only] = document["results"]
    assert only["ending"] == "pass"
    again = ("cml conformance python:given_adapter:marked", *options, "--only", only["id"])
    assert only["repeat"] == " ".join(again)


def test_a_script_is_put_to_the_test_with_either_spelling(folder: Path, cml: Cml) -> None:
    (folder / "s.cml").write_text("Well. [TRAP][END]")
    (folder / "known.txt").write_text("driver/past-trap  # in text alone\nvectors/travel\n")
    chosen = ("--only", "vectors/travel", "--baseline", "known.txt", "--json")
    for markers in ("text", "token"):
        found = cml("conformance", "script:s.cml", "--markers", markers, *chosen)
        [only] = json.loads(found.out)["results"]
        assert (only["id"], only["message"][:23]) == ("vectors/travel", "the baseline expects th")


@pytest.mark.slow
def test_a_real_model_whose_markers_are_tokens_is_put_to_the_test(cml: Cml) -> None:
    from_extra("hf", "transformers")
    ids = (
        "context/append",
        "context/after-rewind",
        "driver/critical-section",
        "driver/forging-result",
        "realtime/in-place",
        "vectors/tokens-truncated",
    )
    only = [word for identifier in ids for word in ("--only", identifier)]
    found = cml("conformance", "hf", "--markers", "token", "--device", "cpu", *only, "--json")
    document = json.loads(found.out)
    assert {each["id"]: each["ending"] for each in document["results"]} == dict.fromkeys(
        ids, "pass"
    )
    assert (found.status, document["markers"]) == (0, "token")
    assert "transformers " in document["engines"]


def test_a_check_that_hangs_is_cut_off_and_the_next_one_runs(folder: Path, cml: Cml) -> None:
    chosen = ("--only", "session/rewind", "--only", "session/close", "--timeout", "2")
    found = cml("conformance", "python:given_adapter:hanging", *chosen)
    assert found.status == 1
    assert "did not come to its end within 2 s" in found.out
    assert "1 passed" in found.out


def test_a_backend_that_never_opens_is_given_up(folder: Path, cml: Cml) -> None:
    found = cml("conformance", "python:given_adapter:never", "--timeout", "0.1")
    assert (found.status, found.out) == (1, "")
    assert "did not open within 0.5 s; give it more by --timeout" in found.err


def test_a_baseline_holds_and_goes_stale(folder: Path, cml: Cml) -> None:
    word = "python:given_adapter:good"
    Path("known.txt").write_text("session/append  # expected\nsession/never\n")
    found = cml("conformance", word, "--only", "session/append", "--baseline", "known.txt")
    assert found.status == 1
    assert "FAIL session/never\n" in found.out
    assert found.out.count("take it out of the baseline") == 2


def test_where_nothing_could_be_seen_nothing_is_good(folder: Path, cml: Cml) -> None:
    found = cml("conformance", "python:given_adapter:wordless", "--only", "session/piece")
    assert found.status == 1
    assert "0 passed, 1 not exercised" in found.out


def test_all_checks_are_listed(folder: Path, cml: Cml) -> None:
    found = cml("conformance", "--list")
    assert "driver/past-trap: What was decoded past a trap" in found.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Missing argument 'BACKEND'"),
        (("nonsense",), "is no backend"),
        (("python:given_adapter:good", "--only", "nonsense"), "there is no check 'nonsense'"),
        (("python:given_adapter:good", "--report", "r.txt"), "ends in none of these: .json"),
        (("python:given_adapter:good", "--baseline", "nowhere"), "nowhere"),
    ],
)
def test_a_mistake_is_told(folder: Path, cml: Cml, words: tuple[str, ...], told: str) -> None:
    found = cml("conformance", *words)
    assert (found.status, found.out) == (2, "")
    assert told in found.err


def test_a_backend_that_cannot_be_opened_is_told_at_once(folder: Path, cml: Cml) -> None:
    found = cml("conformance", "python:given_adapter:broken")
    assert found.status == 1
    assert "raised ValueError: no weights" in found.err
