"""Simulating from Python, as the documents show it."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import interpreter
from interpreter.errors import HostError
from interpreter.schedule import (
    MODELS,
    PRESETS,
    Experiment,
    Options,
    Workload,
    WorkloadCall,
    WorkloadError,
    read_workloads,
)
from interpreter.schedule.studies import report

DOCUMENT = Path(__file__).parents[2] / "docs" / "schedules.md"


@pytest.fixture
def trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workload of the document, on one line, in the folder where one works."""
    found = re.search(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    file = tmp_path / "trip.jsonl"
    file.write_text(found[1].replace("\n", "") + "\n")
    monkeypatch.chdir(tmp_path)
    return file


@pytest.mark.usefixtures("trip")
def test_the_example_of_the_docstring_runs() -> None:
    (example,) = doctest.DocTestFinder(recurse=False).find(report.simulate, "simulate")
    outcome = doctest.DocTestRunner().run(example)
    assert (outcome.attempted > 0, outcome.failed) == (True, 0)


@pytest.mark.usefixtures("trip")
def test_the_example_of_the_document_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if "interpreter.simulate" in block]
    exec(compile(block, "docs/schedules.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["sync", "async"]


def test_importing_the_interpreter_does_not_load_the_simulator() -> None:
    code = (
        "import sys, interpreter; assert not any('schedule' in name for name in sys.modules);"
        "assert callable(interpreter.simulate)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'simulated'"):
        _ = interpreter.simulated  # type: ignore[attr-defined]
    assert HostError is interpreter.HostError


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"models": ("bogus",)}, "'bogus'"),
        ({"models": ()}, "some of sync, "),
        ({"models": "async"}, "tuple of some of"),
        ({"policies": ("lpt", "best")}, "got 'best'"),
        ({"policies": ()}, "johnson"),
        ({"noise": -1}, "noise should be 0 or more"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(
    arguments: dict[str, object], expected: str
) -> None:
    good: dict[str, object] = {"costs": PRESETS["gpt-4o"], "models": MODELS, "policies": ("lpt",)}
    with pytest.raises(ValueError, match=re.escape(expected)):
        Experiment(**(good | arguments))  # type: ignore[arg-type]


def test_options_and_names_are_checked_where_they_are_given(trip: Path) -> None:
    with pytest.raises(ValueError, match="workers should be 0"):
        Options(workers=-1)
    with pytest.raises(ValueError, match="solver_seconds"):
        Options(solver_seconds=0)
    with trip.open("rb") as file, pytest.raises(ValueError, match="'asynchronous'"):
        interpreter.simulate(read_workloads(file), models=("asynchronous",))  # type: ignore[arg-type]


def test_a_workload_made_in_python_is_checked() -> None:
    calls = tuple(
        WorkloadCall(id=name, generate_tokens=1, execute_us=1, after=(other,))
        for name, other in (("a", "b"), ("b", "a"))
    )
    with pytest.raises(WorkloadError, match="circle"):
        interpreter.simulate([Workload(id="w", calls=calls)])
