"""Runs and simulations as notebooks show them, and as tables of pandas and polars."""

import html
import re
import subprocess
import sys

import pytest
from extras import from_extra

import interpreter
from interpreter import ScriptedSession, Settings, run_virtual
from interpreter.events import Outcome, OutcomeKind
from interpreter.runs import read_run
from interpreter.schedule import PRESETS, Workload, WorkloadCall
from interpreter.schedule.charts.html import chart_page
from interpreter.schedule.narration.timelines import recorded_timelines
from interpreter.scripted import pieces_of

CALLS = (
    WorkloadCall(id="a", generate_tokens=10, execute_us=100_000),
    WorkloadCall(id="b", generate_tokens=20, execute_us=300_000),
)


@pytest.fixture
def report() -> interpreter.schedule.SimulationReport:
    workloads = [Workload(id="<one>", calls=CALLS), Workload(id="two", calls=CALLS[:1])]
    return interpreter.simulate(workloads, PRESETS["gpt-4o"])


def inside(shown: str) -> str:
    """The page in the frame: one element, whose whole content is escaped in one attribute."""
    found = re.fullmatch(r'<iframe srcdoc="([^"]*)" style="[^"]*"></iframe>', shown, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_a_run_shows_the_page_that_cml_timeline_draws() -> None:
    session = ScriptedSession(pieces_of('[CALL] a [HEAD] f("<b>") [END] [TRAP][END] Done.'))
    answers = [(9_000, Outcome(OutcomeKind.RETURNED, 1))]
    run = read_run(Settings(), run_virtual(session, lambda _: answers))
    assert inside(run._repr_html_()) == chart_page(recorded_timelines(run, "A run: answered"))


def test_a_simulation_shows_its_summary(report) -> None:
    shown = inside(report._repr_html_())
    for line in report.summary:
        assert f"<td>{line.model}</td><td>{line.policy}</td>" in shown
        assert f"<td>{line.mean_makespan_us / 1_000:,.1f} ms</td>" in shown


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_simulation_is_a_table_of_its_runs(report, library: str) -> None:
    from_extra(library, library)
    table = getattr(report, f"to_{library}")()
    runs = [(one.id, run) for one in report.workloads for run in one.runs]
    assert len(table) == len(runs) == 8
    columns = ["workload", "model", "policy", "makespan_us", "order", "lower_bound_us", "gap"]
    assert list(table.columns) == columns
    assert list(table["workload"]) == [name for name, _ in runs]
    assert list(table["makespan_us"]) == [run.makespan_us for _, run in runs]
    assert [tuple(order) for order in table["order"]] == [run.order for _, run in runs]


def test_neither_library_is_imported_unless_it_is_asked_for() -> None:
    code = """import sys, interpreter, interpreter.schedule
from interpreter.schedule import Workload, WorkloadCall
report = interpreter.simulate([Workload(id="x", calls=(WorkloadCall(id="a", generate_tokens=1, execute_us=1),))])
report._repr_html_()
print(sorted({"pandas", "polars"} & set(sys.modules)))"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_missing_is_named(report, library: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(interpreter.errors.MissingExtraError, match=rf"cml-lang\[{library}\]"):
        getattr(report, f"to_{library}")()
