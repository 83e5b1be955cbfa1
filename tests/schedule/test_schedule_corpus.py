"""Many workloads: in chunks, in order, on any executor, with the same result."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import msgspec
import pytest
from clusters import dask_cluster
from hypothesis import given
from hypothesis import strategies as st

from interpreter.schedule.costs import PRESETS
from interpreter.schedule.data.synthetic import make_synthetic
from interpreter.schedule.studies import gaps as gaps_module
from interpreter.schedule.studies.corpus import (
    CHUNK_LINES,
    Chunk,
    add_part,
    make_chunks,
    simulate_chunk,
    simulate_chunks,
)
from interpreter.schedule.studies.gaps import RESOLUTION, Gaps, percentile_95
from interpreter.schedule.studies.report import (
    Experiment,
    SimulationReport,
    Tally,
    WorkloadReport,
    simulate,
)
from interpreter.schedule.workload import Workload

EXPERIMENT = Experiment(
    costs=PRESETS["gpt-4o"], models=("sync", "async", "async-naive"), policies=("lpt", "fan-tail")
)


def made(count: int) -> list[Workload]:
    return list(make_synthetic("layered", count, size=5))


def numbered(workloads: list[Workload]) -> Iterator[tuple[int, bytes]]:
    for number, workload in enumerate(workloads, start=1):
        yield number, msgspec.json.encode(workload)


def at_once(workloads: list[Workload]) -> SimulationReport:
    return simulate(workloads, EXPERIMENT.costs, EXPERIMENT.models, EXPERIMENT.policies)


def check_equal_on(executor: Executor | None) -> None:
    workloads = made(CHUNK_LINES + 20)
    tally, reports = Tally(), list[WorkloadReport]()
    for part in simulate_chunks(make_chunks(numbered(workloads)), EXPERIMENT, executor):
        add_part(tally, part)
        reports += [report for report, _ in part.reports]
        assert part.faults == ()
    expected = at_once(workloads)
    assert tuple(reports) == expected.workloads
    assert tally.summary() == expected.summary


def test_chunks_come_to_what_one_run_comes_to() -> None:
    check_equal_on(None)


def test_threads_come_to_the_same() -> None:
    with ThreadPoolExecutor(2) as pool:
        check_equal_on(pool)


@pytest.mark.slow
def test_processes_come_to_the_same() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        check_equal_on(pool)


@pytest.mark.slow
def test_a_dask_cluster_comes_to_the_same() -> None:
    with dask_cluster(2) as client:
        check_equal_on(client.get_executor())


def test_no_more_is_read_than_is_handed_out() -> None:
    read = 0

    def chunks() -> Iterator[Chunk]:
        nonlocal read
        for chunk in make_chunks(numbered(made(1) * CHUNK_LINES * 12)):
            read += 1
            yield chunk

    with ThreadPoolExecutor(2) as pool:
        parts = simulate_chunks(chunks(), EXPERIMENT, pool, ahead=3)
        for finished, _ in enumerate(parts, start=1):
            assert read <= finished + 2
    assert read == 12


def test_lines_that_are_no_workload_become_faults() -> None:
    lines = [
        (3, b"{"),
        *((5 + i, line) for i, (_, line) in enumerate(numbered(made(2)))),
        (9, b"[]"),
    ]
    (chunk,) = make_chunks(lines)
    part = simulate_chunk(chunk, EXPERIMENT)
    assert [fault.line for fault in part.faults] == [3, 9]
    assert len(part.reports) == 2


@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=300), exact=st.integers(0, 50))
def test_gaps_in_bounded_memory_stay_within_their_resolution(
    values: list[float], exact: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaps_module, "EXACT", exact)
        gaps = Gaps()
        for value in values:
            gaps.add(value)
        assert gaps.mean == sum(values) / len(values)
        true = percentile_95(values)
        # Gaps under a billionth count as none.
        assert gaps.percentile_95() >= true * (1 - 1e-12) - 1e-9
        assert gaps.percentile_95() <= true * (1 + 2 * RESOLUTION) + 1e-9
        if len(values) <= exact:
            assert gaps.percentile_95() == true
