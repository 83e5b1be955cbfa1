"""`cml calibrate`, and what reckons with it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interpreter.commands.folders import cache_folder

if TYPE_CHECKING:
    from conftest import Cml, Files

ADAPTER = """
from interpreter import ScriptedSession

def endless(request):
    return ScriptedSession(["word "] * 10_000, pause_s=0.0002)
"""


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the models that were fetched."""
    return cache_folder() / "models"


@pytest.fixture(autouse=True)
def nothing_measured(files: "Files", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CML_CACHE", str(files.folder / "cache"))
    (files.folder / "cml_endless.py").write_text(ADAPTER)
    monkeypatch.syspath_prepend(str(files.folder))


def test_what_is_measured_is_shown_and_reckoned_with(cml: "Cml") -> None:
    found = cml("calibrate", "python:cml_endless:endless")
    assert found.status == 0, found.err
    assert "a decoded token" in found.out
    [shown] = json.loads(cml("calibrate", "--show", "--json").out)["measurements"]
    assert shown["model"] == "python:cml_endless:endless"
    assert shown["token_us"] >= 200
    costs = json.loads(cml("simulate", "workload.jsonl", "--costs", "measured", "--json").out)[
        "costs"
    ]
    assert costs["token_us"] == shown["token_us"]
    assert costs["trap_tokens"] == shown["trap_tokens"]


def test_before_anything_was_measured_it_is_said_what_to_do(cml: "Cml") -> None:
    assert "nothing was measured" in cml("calibrate", "--show").out
    found = cml("simulate", "workload.jsonl", "--costs", "measured")
    assert (found.status, found.out) == (1, "")
    assert "run cml calibrate first" in found.err


def test_a_model_that_says_too_little_is_told_so(cml: "Cml") -> None:
    found = cml("calibrate", "script:good.cml")
    assert (found.status, found.out) == (1, "")
    assert "comes to its end all the time" in found.err


def test_a_backend_that_is_none_is_a_mistake_of_usage(cml: "Cml") -> None:
    found = cml("calibrate", "foo")
    assert (found.status, found.out) == (2, "")
    assert "Invalid value for 'BACKEND': 'foo' is no backend" in found.err


@pytest.mark.model
@pytest.mark.slow
def test_it_measures_the_embedded_model_where_nothing_else_is_said(
    cml: "Cml", files: "Files", models: Path
) -> None:
    (files.folder / "cache").mkdir()
    (files.folder / "cache" / "models").symlink_to(models)
    found = cml("calibrate")
    assert found.status == 0, found.err
    assert "a decoded token" in found.out
