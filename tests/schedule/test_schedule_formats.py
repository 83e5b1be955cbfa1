"""Workload files, costs files and reports."""

import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schedule_strategies import COSTS, workloads

from interpreter.schedule.costs import PRESETS, Costs, CostsError, parse_costs
from interpreter.schedule.models.timing import MODELS
from interpreter.schedule.studies.gaps import percentile_95
from interpreter.schedule.studies.report import SimulationReport, gap, simulate
from interpreter.schedule.workload import (
    MAX_LINE_BYTES,
    MAX_US,
    Fault,
    Workload,
    WorkloadError,
    parse_workload,
    read_workloads,
)

GOOD = b'{"id":"w","calls":[{"id":"a","generate_tokens":2,"execute_us":3}]}'


def line(*calls: str, rest: str = "") -> str:
    return f'{{"id":"w","calls":[{",".join(calls)}]{rest}}}'


def call(name: str, *after: str, rest: str = "") -> str:
    needs = msgspec.json.encode(after).decode()
    return f'{{"id":"{name}","generate_tokens":1,"execute_us":1,"after":{needs}{rest}}}'


@given(workloads())
def test_written_workloads_read_the_same(workload: Workload) -> None:
    assert parse_workload(msgspec.json.encode(workload)) == workload


@given(st.lists(workloads(most_calls=3), max_size=4))
def test_a_file_reads_line_by_line(made: list[Workload]) -> None:
    text = b"\n\n".join(msgspec.json.encode(workload) for workload in made)
    assert list(read_workloads(io.BytesIO(text))) == made


@given(st.binary(max_size=200))
def test_any_bytes_are_a_workload_or_a_clear_fault(text: bytes) -> None:
    for item in read_workloads(io.BytesIO(text), keep_going=True):
        assert isinstance(item, Workload) or item.message


def test_the_documented_line_reads() -> None:
    text = (
        '{"id":"one","calls":[{"id":"a","function":null,"generate_tokens":20,"execute_us":97014,'
        '"estimate_us":90000,"result_tokens":35,"task":0,"after":[]}],"arrivals_us":[0,200000]}'
    )
    (only,) = parse_workload(text).calls
    assert (only.id, only.generate_tokens, only.estimate_us) == ("a", 20, 90000)


FAULTS: dict[str, tuple[bytes | str, str]] = {
    "not JSON": ("{", "expected one JSON object"),
    "not UTF-8": (b'{"id":"\xff"}', "not UTF-8 at byte 8"),
    "another type": ("[]", "Expected `object`"),
    "missing field": ('{"id":"w","calls":[{"id":"a","execute_us":1}]}', "`generate_tokens`"),
    "unknown field": (line(call("a", rest=',"execute_ms":1')), "did you mean execute_us?"),
    "a field like no other": (
        line(call("a", rest=',"wishes":1')),
        "`wishes` - at `$.calls[0]`; see the",
    ),
    "no calls": (line(), "length >= 1"),
    "negative time": (line(call("a")).replace('us":1', 'us":-1'), "`int` >= 0"),
    "enormous time": (line(call("a")).replace('us":1', f'us":{MAX_US + 1}'), f"<= {MAX_US}"),
    "fractional time": (line(call("a")).replace('us":1', 'us":1.5'), "Expected `int`"),
    "not a number": (line(call("a")).replace('us":1', 'us":NaN'), "expected one JSON object"),
    "empty identifier": (line(call("")), "length >= 1"),
    "duplicate identifier": (line(call("a"), call("a")), "calls[0] and calls[1]"),
    "unknown identifier": (line(call("a", "b")), "'a' waits for 'b'"),
    "waits for itself": (line(call("a", "a")), "a → a"),
    "cycle": (
        line(call("a", "b"), call("x", "b"), call("b", "c"), call("c", "a")),
        "a → b → c → a",
    ),
    "task without arrival": (
        line(call("a", rest=',"task":1'), rest=',"arrivals_us":[0]'),
        "task 1",
    ),
    "negative arrival": (line(call("a"), rest=',"arrivals_us":[-1]'), "`int` >= 0"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_name_what_was_expected(name: str) -> None:
    text, expected = FAULTS[name]
    with pytest.raises(WorkloadError) as caught:
        parse_workload(text)
    assert expected in caught.value.message


def test_a_fault_names_its_line() -> None:
    stream = io.BytesIO(GOOD + b"\n\n{\n")
    with pytest.raises(WorkloadError, match=r"^line 3: expected one JSON object") as caught:
        list(read_workloads(stream))
    assert caught.value.line == 3


def test_keep_going_reads_the_lines_after_a_fault() -> None:
    stream = io.BytesIO(b"{\n" + GOOD + b"\n[1]\n" + GOOD)
    first, second, third, fourth = read_workloads(stream, keep_going=True)
    assert isinstance(first, Fault)
    assert isinstance(third, Fault)
    assert (first.line, third.line) == (1, 3)
    assert second == fourth == parse_workload(GOOD)


def test_a_line_without_end_is_refused_and_skipped() -> None:
    stream = io.BytesIO(b"x" * (2 * MAX_LINE_BYTES) + b"\n" + GOOD)
    fault, good = read_workloads(stream, keep_going=True)
    assert isinstance(fault, Fault)
    assert fault.line == 1
    assert good == parse_workload(GOOD)


def test_a_long_chain_needs_no_deep_stack() -> None:
    calls = [call("c0"), *(call(f"c{i}", f"c{i - 1}") for i in range(1, 5000))]
    assert len(parse_workload(line(*reversed(calls))).calls) == 5000


@given(COSTS)
def test_written_costs_read_the_same(costs: Costs) -> None:
    assert parse_costs(msgspec.json.encode(costs)) == costs


def test_presets_carry_the_published_times() -> None:
    assert set(PRESETS) == {"gpt-4o", "llama-3.2-3b-rtx4090", "closed-form"}
    cloud, local = PRESETS["gpt-4o"], PRESETS["llama-3.2-3b-rtx4090"]
    assert (cloud.token_us, cloud.request_us) == (5_000, 310_000)
    assert (local.token_us, local.request_us) == (4_500, 59_000)
    assert PRESETS["closed-form"] == Costs(token_us=4_500, naive_request_us=59_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "token_us"),
        ('{"token_us":-1}', "`int` >= 0"),
        ('{"token_us":1,"token_ms":2}', "did you mean token_us"),
        ('{"token_us":1,"final_request":"some"}', "Invalid enum value 'some'"),
        ("nothing", "expected one JSON object"),
    ],
)
def test_faulty_costs_name_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(CostsError) as caught:
        parse_costs(text)
    assert expected in str(caught.value)


@given(st.lists(workloads(most_calls=4), min_size=1, max_size=4), COSTS)
def test_report_holds_every_run_and_sums_up(made: list[Workload], costs: Costs) -> None:
    report = simulate(made, costs, MODELS, ("program", "lpt"))
    assert msgspec.json.decode(msgspec.json.encode(report), type=SimulationReport) == report
    assert [entry.id for entry in report.workloads] == [workload.id for workload in made]
    pairs = [(model, policy) for model in MODELS for policy in ("program", "lpt")]
    assert [(line.model, line.policy) for line in report.summary] == pairs
    for line in report.summary:
        runs = [
            run
            for entry in report.workloads
            for run in entry.runs
            if (run.model, run.policy) == (line.model, line.policy)
        ]
        assert line.mean_makespan_us == sum(run.makespan_us for run in runs) / len(made)
        assert line.mean_gap == sum(run.gap for run in runs) / len(made)
        assert line.p95_gap == percentile_95([run.gap for run in runs])
    assert report.summary[0].speedup_vs_sync == 1.0


def test_report_carries_faults() -> None:
    report = simulate([Fault(3, "bad")], PRESETS["closed-form"], ("async",), ("lpt",))
    assert report.faults == (Fault(3, "bad"),)
    assert report.summary == ()


def test_the_95th_percentile_is_reached_by_95_percent() -> None:
    assert percentile_95([float(value) for value in range(1, 101)]) == 95.0
    assert percentile_95([2.0]) == 2.0


def test_gap_is_relative_to_the_bound() -> None:
    assert gap(150, 100) == 0.5
    assert gap(0, 0) == 0.0
