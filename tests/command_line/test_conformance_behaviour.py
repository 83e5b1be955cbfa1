"""`cml conformance --behaviour`: shares of a free model, beside the checks and never among them."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import running
from extras import from_extra

Cml = Callable[..., running.Ended]
ADAPTER = """
from time import sleep
from interpreter import ScriptedSession
from model_adapters.errors import AdapterError
from model_adapters.training.data.ideal import IdealSession
from model_adapters.training.evaluation.trials import held_out_dialogues
from model_adapters.training.recipe.spelling import words

STORIES = {each.story.question: each.story for each in held_out_dialogues(5, 4)}
THIRD = list(STORIES)[2]

class Hanging(ScriptedSession):
    def decode(self):
        sleep(3600)

def ideal(request):
    if request.bare:
        return ScriptedSession(["one ", "two ", "three "])
    assert not request.masked
    return IdealSession(STORIES[request.prompt], words)

def silent(request):
    return ScriptedSession(["one ", "two ", "three "])

def breaking(request):
    if request.prompt == THIRD:
        raise AdapterError("the server is gone")
    return ideal(request)

def hanging(request):
    return Hanging([]) if request.prompt == THIRD else ideal(request)
"""
CHECK = ("--only", "session/close", "--seed", "5")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "free_adapter.py").write_text(ADAPTER, encoding="utf-8")
    yield tmp_path
    sys.modules.pop("free_adapter", None)


def shares_of(document: str) -> dict[str, tuple[int, int]]:
    found = json.loads(document)["behaviour"]["shares"]
    return {each["measure"]: (each["good"], each["of"]) for each in found}


def test_an_ideal_model_behaves_well_in_every_measure(folder: Path, cml: Cml) -> None:
    reports = ("--report", "r.json", "--report", "r.html")
    found = cml("conformance", "python:free_adapter:ideal", *CHECK, "--behaviour", "4", *reports)
    assert (found.status, found.err) == (0, "")
    shares = shares_of((folder / "r.json").read_text())
    assert shares["fully right"] == (4, 4)
    assert all(good == of for good, of in shares.values())
    assert "fully right                       100% (51% to 100%) of 4" in found.out
    assert "<h2>Behaviour, 4 dialogues</h2>" in (folder / "r.html").read_text()


def test_bad_behaviour_is_told_and_fails_nothing(folder: Path, cml: Cml) -> None:
    words = (*CHECK, "--behaviour", "4", "--json")
    found = cml("conformance", "python:free_adapter:silent", *words)
    assert found.status == 0
    document = json.loads(found.out)
    assert [result["id"] for result in document["results"]] == ["session/close"]
    assert document["is_good"]
    assert shares_of(found.out)["fully right"] == (0, 4)


def test_junit_holds_the_checks_alone(folder: Path, cml: Cml) -> None:
    from_extra("conformance", "junitparser")
    words = (*CHECK, "--behaviour", "1", "--report", "r.xml")
    assert cml("conformance", "python:free_adapter:silent", *words).status == 0
    [suite] = ET.fromstring((folder / "r.xml").read_text())
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        ("breaking", "number 3 broke off: the server is gone"),
        ("hanging", "number 3 did not come to its end within 2 s"),
    ],
)
def test_what_breaks_off_is_told_with_what_was_there(
    folder: Path, cml: Cml, factory: str, why: str
) -> None:
    words = (*CHECK, "--behaviour", "4", "--timeout", "2", "--json")
    found = cml("conformance", f"python:free_adapter:{factory}", *words)
    behaviour = json.loads(found.out)["behaviour"]
    assert (behaviour["dialogues"], behaviour["fault"]) == (2, why)
    assert shares_of(found.out)["fully right"] == (2, 2)


def test_without_the_option_nothing_of_it_is_told(folder: Path, cml: Cml) -> None:
    found = cml("conformance", "python:free_adapter:silent", *CHECK, "--json")
    assert "behaviour" not in json.loads(found.out)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--bfcl", "parallel"), "--bfcl asks the model of --behaviour N"),
        (("--behaviour", "2", "--markers", "token"), "leave out --markers token"),
        (("--behaviour", "0"), "is not in the range x>=1"),
    ],
)
def test_what_cannot_be_asked_of_a_free_model_is_told(
    folder: Path, cml: Cml, words: tuple[str, ...], told: str
) -> None:
    found = cml("conformance", "python:free_adapter:silent", *words)
    assert (found.status, found.out) == (2, "")
    assert told in found.err
