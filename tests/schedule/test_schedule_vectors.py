"""Every hand-calculated schedule of the specification, by name."""

import re
from pathlib import Path

import pytest
from extras import from_extra

from interpreter.schedule.models import asynchronous
from interpreter.schedule.simulate import Options
from interpreter.schedule.studies.report import simulate
from interpreter.vectors.schedules import ScheduleVector, decode_schedule

SPEC = Path(__file__).parents[2] / "spec"
FILES = sorted((SPEC / "vectors" / "schedules").glob("*.json"))


def read(file: Path) -> ScheduleVector:
    return decode_schedule(file.read_bytes())


def test_there_are_vectors() -> None:
    assert len(FILES) >= 30


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_vector(file: Path) -> None:
    vector = read(file)
    assert vector.name == vector.workload.id == file.stem
    if vector.policy == "optimal":
        from_extra("optimal", "ortools")
    options = Options(workers=vector.workers, seed=vector.seed)
    report = simulate([vector.workload], vector.costs, (vector.model,), (vector.policy,), options)
    ((run,),) = (entry.runs for entry in report.workloads)
    assert (run.makespan_us, run.order) == (vector.makespan_us, vector.order)
    if vector.lower_bound_us is not None:
        assert run.lower_bound_us == vector.lower_bound_us


def rules_in(texts: list[str]) -> set[str]:
    return {rule for text in texts for rule in re.findall(r"Time/[a-z][a-z0-9-]*[a-z]", text)}


def test_rules_are_specified_and_exercised() -> None:
    """{rules that code or vectors name} ⊆ {rules specified}; models and policies all run."""
    chapter = (SPEC / "4-time.md").read_text()
    specified = set(re.findall(r"\*\*(Time/[a-z-]+)\.?\*\*", chapter))
    exercised = {rule for file in FILES for rule in read(file).rules}
    package = Path(asynchronous.__file__).parents[1]
    named = rules_in([file.read_text() for file in package.rglob("*.py")])
    assert rules_in([chapter]) <= specified
    assert named <= specified
    assert exercised <= specified
    of_files = {"Time/workload", "Time/summary", "Time/durations", "Time/data-bfcl"}
    of_machine = {"Time/integer", "Time/instant", "Time/levels"}
    of_driver = {"Time/driver", "Time/decoding", "Time/injecting", "Time/context", "Time/start"}
    of_agents = {"Time/agents"}  # tests/interpreter/agents/test_agents.py
    assert specified - exercised - of_files - of_machine - of_driver - of_agents == set()
