"""Workloads from benchmark data and from generators."""

import json
import zipfile
from pathlib import Path
from statistics import mean

import pytest

from interpreter.schedule.data.bfcl import (
    Assumptions,
    BfclError,
    make_multi_step_parallel,
    make_workloads,
    read_samples,
)
from interpreter.schedule.data.datasets import (
    BFCL_NAMES,
    SYNTHETIC_NAMES,
    make_bfcl,
    make_synthetic_set,
    write_workloads,
)
from interpreter.schedule.data.synthetic import FAMILIES, make_synthetic
from interpreter.schedule.graph import build_graph, least_order
from interpreter.schedule.workload import Workload, check_workload, read_workloads

PARALLEL = [
    {
        "id": "parallel_0",
        "ground_truth": [
            {"music.play": {"artist": ["Ann", "ann"], "minutes": [20], "loud": ["", True]}},
            {
                "music.find": {
                    "filters": [{"year": [1999], "label": ["", "x"]}],
                    "tags": [["a", "b"]],
                }
            },
        ],
    }
]
TURNS = [
    {"id": f"turns_{i}", "ground_truth": [["cd(folder='a')", "ls()"][: 1 + i % 2], ["rm('x')"]]}
    for i in range(6)
]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel of the same form as that of bfcl-eval."""
    path = tmp_path / "bfcl_eval-1-py3-none-any.whl"
    folder = "bfcl_eval/data/possible_answer/BFCL_v4"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{folder}_parallel_multiple.json", json.dumps(PARALLEL[0]))
        archive.writestr(f"{folder}_parallel.json", "\n".join(map(json.dumps, PARALLEL)))
        archive.writestr(f"{folder}_live_parallel.json", "")
        archive.writestr(f"{folder}_multi_turn_base.json", "\n".join(map(json.dumps, TURNS)) + "\n")
    return path


def test_first_acceptable_values_make_the_call(wheel: Path) -> None:
    (sample,) = read_samples(wheel, "parallel")
    assert [call.text for call in sample.calls] == [
        "music.play(artist='Ann', minutes=20)",
        "music.find(filters={'year': 1999}, tags=['a', 'b'])",
    ]


def test_names_of_datasets_are_not_mixed_up(wheel: Path) -> None:
    assert read_samples(wheel, "live_parallel") == ()
    assert len(read_samples(wheel, "parallel_multiple")) == 1


def test_a_wheel_without_the_dataset_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.whl"
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(BfclError, match="found 0"):
        read_samples(empty, "parallel")


def test_only_first_turns_are_taken(wheel: Path) -> None:
    samples = read_samples(wheel, "multi_turn_base")
    assert [len(sample.calls) for sample in samples] == [1, 2, 1, 2, 1, 2]
    assert samples[1].calls[1].function == "ls"


def test_something_else_than_the_wheel_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    with pytest.raises(BfclError, match="expected a bfcl-eval wheel"):
        read_samples(other, "parallel")
    other.write_bytes(b"not a zip")
    with pytest.raises(BfclError, match="expected a bfcl-eval wheel"):
        read_samples(other, "parallel")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("bfcl_eval/data/possible_answer/BFCL_v4_parallel.json", '{"id":1}')
    with pytest.raises(BfclError, match="another form"):
        read_samples(other, "parallel")


def test_parallel_calls_are_independent_and_counted(wheel: Path) -> None:
    (workload,) = make_workloads(read_samples(wheel, "parallel"), len, Assumptions())
    check_workload(workload)
    assert [call.after for call in workload.calls] == [(), ()]
    assert workload.calls[0].generate_tokens == len("music.play(artist='Ann', minutes=20)")


def test_steps_of_a_task_are_a_chain(wheel: Path) -> None:
    samples = read_samples(wheel, "multi_turn_base")
    times = (0, 200_000, 400_000)
    made = list(make_multi_step_parallel(samples, len, Assumptions(), count=5, arrivals_us=times))
    assert len(made) == 5
    for workload in made:
        check_workload(workload)
        assert {call.task for call in workload.calls} == {0, 1, 2}
        assert workload.arrivals_us == times
        for call in workload.calls:
            assert call.after == ((f"t{call.task}c0",) if call.id.endswith("c1") else ())


def test_draws_depend_on_the_seed_alone(wheel: Path) -> None:
    samples = read_samples(wheel, "multi_turn_base")
    seven = list(make_multi_step_parallel(samples, len, Assumptions(seed=7), count=4))
    assert seven[:2] == list(make_multi_step_parallel(samples, len, Assumptions(seed=7), count=2))
    assert seven != list(make_multi_step_parallel(samples, len, Assumptions(seed=8), count=4))


def execution_times(made: list[Workload]) -> list[int]:
    return [call.execute_us for workload in made for call in workload.calls]


def test_execution_times_have_the_stated_mean_and_range() -> None:
    times = execution_times(list(make_synthetic("chains", 400)))
    assert min(times) >= 30_000
    assert max(times) <= 500_000
    assert 107_000 < mean(times) < 113_000


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [1, 2, 18])
def test_families_make_sound_graphs_of_the_size_asked_for(family: str, size: int) -> None:
    assert family in FAMILIES
    for workload in make_synthetic(family, 10, size=size, sigma=0.5):
        check_workload(workload)
        graph = build_graph(workload)
        assert graph.size == size
        assert sorted(least_order(graph, [0] * size)) == list(range(size))
        assert graph.estimate_us != graph.execute_us


def test_named_sets_are_written_and_read_again(wheel: Path, tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    for name in BFCL_NAMES:
        made = list(make_bfcl(name, wheel, len, Assumptions(sigma=0.5), count=3))
        assert write_workloads(file, made) == len(made)
        with file.open("rb") as stream:
            assert list(read_workloads(stream)) == made
    for generated in SYNTHETIC_NAMES:
        made = list(make_synthetic_set(generated, count=3))
        assert write_workloads(file, made) == 3
        with file.open("rb") as stream:
            assert list(read_workloads(stream)) == made
