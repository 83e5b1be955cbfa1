"""Timelines of simulated and real runs, and the files that they become."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from runs_to_advise import write_run
from schedule_strategies import COSTS, workloads
from trying import tries

from interpreter import ScriptedSession, Settings, run_virtual
from interpreter.events import Said
from interpreter.page.command import timeline_command
from interpreter.runs import read_run
from interpreter.schedule.charts.axes import round_numbers
from interpreter.schedule.charts.charts import Bar, Curve, Curves, TimelinePanel
from interpreter.schedule.charts.html import chart_page
from interpreter.schedule.charts.perfetto import encode_perfetto
from interpreter.schedule.models.timing import MODELS
from interpreter.schedule.narration.narrations import narrate_workload
from interpreter.schedule.narration.timelines import recorded_timelines, simulated_timelines
from interpreter.schedule.simulate import Options
from interpreter.trace import read_trace
from model_adapters.serving.traces.command import view_command


def overlap(bars: list[Bar]) -> bool:
    bars = sorted(bars, key=lambda bar: (bar.start_us, bar.end_us))
    return any(before.end_us > after.start_us for before, after in pairwise(bars))


def check_sound(panel: TimelinePanel) -> None:
    for row in range(len(panel.rows)):
        assert not overlap([bar for bar in panel.bars if bar.row == row])
    assert all(0 <= bar.start_us < bar.end_us <= panel.total_us for bar in panel.bars)


@given(workload=workloads(), costs=COSTS, workers=st.integers(0, 3))
@tries(60)
def test_timelines_show_every_call_once_and_nothing_twice(workload, costs, workers) -> None:
    narrations = list(narrate_workload(workload, costs, MODELS, ("lpt",), Options(workers=workers)))
    timelines = simulated_timelines(narrations)
    by_id = {call.id: call.execute_us for call in workload.calls}
    for panel, narration in zip(timelines.panels, narrations, strict=True):
        check_sound(panel)
        assert sorted(panel.rows[1:]) == sorted(by_id)
        ran = {panel.rows[b.row]: b.end_us - b.start_us for b in panel.bars if b.kind == "running"}
        assert ran == {name: time_us for name, time_us in by_id.items() if time_us}
        # The model is at work or waits from its beginning to the end: nothing is left out.
        spent = sum(bar.end_us - bar.start_us for bar in panel.bars if bar.row == 0)
        begin = min(
            (bar.start_us for bar in panel.bars if bar.row == 0), default=narration.makespan_us
        )
        assert begin + spent == narration.makespan_us


@given(workload=workloads(), costs=COSTS)
@tries(30)
def test_trace_events_hold_every_bar(workload, costs) -> None:
    timelines = simulated_timelines(
        list(narrate_workload(workload, costs, MODELS, ("lpt",), Options()))
    )
    document = json.loads(encode_perfetto(timelines))
    events = [event for event in document["traceEvents"] if event["ph"] == "X"]
    assert len(events) == sum(len(panel.bars) for panel in timelines.panels)
    threads = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in document["traceEvents"]
        if event["name"] == "thread_name"
    }
    for event in events:
        assert (event["pid"], event["tid"]) in threads
        assert event["dur"] > 0


@pytest.mark.parametrize(("token_us", "unit"), [(1_000, "ms"), (200_000, "s")])
def test_all_times_of_a_chart_have_one_unit(tmp_path: Path, token_us: int, unit: str) -> None:
    trace = write_run(tmp_path / "t.jsonl", token_us=token_us)
    with trace.open("rb") as lines:
        header, rows = read_trace(lines)
        text = chart_page(recorded_timelines(read_run(header.settings, rows), "a run"))
    assert f"time ({unit})" in text
    assert set(re.findall(r"\d (m?s)\b", text)) == {unit}


@given(workload=workloads(), costs=COSTS)
@tries(30)
def test_a_page_holds_every_bar_and_says_it_in_a_table(workload, costs) -> None:
    timelines = simulated_timelines(
        list(narrate_workload(workload, costs, MODELS, ("lpt",), Options()))
    )
    page = chart_page(timelines)
    bars = sum(len(panel.bars) for panel in timelines.panels)
    assert page.count("<rect ") == page.count("</title></rect>") == bars
    assert page.count("<tr><td>") == bars
    places = [
        (float(x), float(width))
        for x, width in re.findall(r'x="([\d.]+)%" y="\d+" width="([\d.]+)%"', page)
    ]
    assert len(places) == bars
    assert all(x + width <= 100.01 for x, width in places)


@pytest.mark.parametrize("logarithmic", [False, True])
@given(
    ys=st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=30),
    first=st.floats(1e-3, 1e6),
)
def test_marks_of_curves_stay_off_the_edges(ys: list[float], first: float, logarithmic) -> None:
    xs = tuple(first * (place + 1) for place in range(len(ys)))
    curve = Curve("c", xs, tuple(ys))
    page = chart_page(Curves("t", "x", "y", (curve,), logarithmic=logarithmic))
    points = re.search(r'points="([^"]*)"', page)
    assert points is not None
    for point in points[1].split():
        assert all(20 <= float(value) <= 980 for value in point.split(","))


def test_the_axes_of_a_picture_spell_their_numbers_alike() -> None:
    curve = Curve("async", xs=(0.0, 20_000_000.0), ys=(0.0, 4_000.0))
    chart = Curves("What if?", "microseconds", "ms", (curve,))
    from_extra("plot", "matplotlib")
    from interpreter.schedule.charts.images import image

    drawn = image(chart, "svg").decode()
    assert "<!-- 20,000,000 -->" in drawn
    assert "<!-- 4,000 -->" in drawn


@given(least=st.floats(0, 1e9), length=st.floats(1e-3, 1e9))
def test_axes_name_a_few_round_numbers_within_their_range(least: float, length: float) -> None:
    most = least + length
    ticks = round_numbers(most, least)
    assert 2 <= len(ticks) <= 7
    slack = 1e-6 * most
    assert least - slack <= ticks[0] < ticks[-1] <= most + slack


@pytest.mark.parametrize("workers", [0, 1])
def test_a_real_run_becomes_a_timeline(tmp_path: Path, workers: int) -> None:
    trace = write_run(tmp_path / "t.jsonl", workers=workers)
    with trace.open("rb") as lines:
        header, rows = read_trace(lines)
        run = read_run(header.settings, rows)
    (panel,) = recorded_timelines(run, "a run").panels
    check_sound(panel)
    assert panel.rows == ("model", "a weather", "b find", "c search", "d send")
    ran = {panel.rows[b.row]: b.end_us - b.start_us for b in panel.bars if b.kind == "running"}
    assert ran["c search"] == 900_000
    first = min(panel.bars, key=lambda bar: bar.start_us)
    assert (first.row, first.kind, first.start_us) == (0, "reading", 0)


def test_what_a_person_says_has_a_row_of_its_own() -> None:
    planned = [(25_000, Said("Hurry <b>."))]
    rows = run_virtual(ScriptedSession(["word "] * 9), lambda _: [], Settings(), planned=planned)
    chart = recorded_timelines(read_run(Settings(), rows), "a run")
    (panel,) = chart.panels
    check_sound(panel)
    assert panel.rows == ("model", "user1")
    [said] = [bar for bar in panel.bars if bar.kind == "said"]
    assert (said.row, said.start_us, said.text) == (1, 25_000, ("Hurry <b>.",))
    assert said.end_us > said.start_us
    page = chart_page(chart)
    assert "Hurry &lt;b&gt;." in page


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("t.html", b"<!doctype html>"),
        ("t.svg", b"<?xml"),
        ("t.png", b"\x89PNG"),
        ("t.perfetto.json", b'{"displayTimeUnit"'),
    ],
)
def test_the_command_draws_a_trace(tmp_path: Path, name: str, head: bytes) -> None:
    if name.endswith((".svg", ".png")):
        from_extra("plot", "matplotlib")
    trace = write_run(tmp_path / "t.jsonl")
    result = CliRunner().invoke(timeline_command, [str(trace), "-o", str(tmp_path / name)])
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / name).read_bytes().startswith(head)


def test_the_page_of_a_trace_is_that_of_view_and_small_enough_to_mail(tmp_path: Path) -> None:
    text = "".join(f"[CALL] c{i} [HEAD] find({i}) [END]" for i in range(100))
    trace = write_run(tmp_path / "t.jsonl", f"{text}[TRAP] all [END] It is <b>42</b>.")
    page = tmp_path / "t.html"
    assert CliRunner().invoke(timeline_command, [str(trace), "-o", str(page)]).exit_code == 0
    again = tmp_path / "v.html"
    assert CliRunner().invoke(view_command, [str(trace), "-o", str(again)]).exit_code == 0
    assert page.read_bytes() == again.read_bytes()
    assert page.stat().st_size < 600_000


def test_wrong_output_and_wrong_traces_are_told(tmp_path: Path) -> None:
    trace = write_run(tmp_path / "t.jsonl")
    result = CliRunner().invoke(timeline_command, [str(trace), "-o", str(tmp_path / "t.gif")])
    assert result.exit_code == 2
    assert ".html, .svg, .png, .json" in result.stderr
    trace.write_bytes(b"{}\n{")
    result = CliRunner().invoke(timeline_command, [str(trace), "-o", str(tmp_path / "t.json")])
    assert result.exit_code == 1
    assert "t.jsonl" in result.stderr
