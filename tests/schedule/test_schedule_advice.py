"""What limited a run, what would help, and whether calling asynchronously pays."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from runs_to_advise import LATE, write_run

from interpreter.schedule.observed import Observation, observe
from interpreter.schedule.trace_commands import advise_command
from interpreter.trace import read_trace


def advise(trace: Path, *arguments: str) -> Result:
    return CliRunner().invoke(advise_command, [str(trace), *arguments])


def observation(trace: Path) -> Observation:
    with trace.open("rb") as lines:
        return observe(read_trace(lines)[1])


def test_needs_are_seen_at_traps_and_in_arguments(tmp_path: Path) -> None:
    seen = observation(write_run(tmp_path / "t.jsonl"))
    assert {call.id: call.needs for call in seen.calls} == {
        "a": (), "b": (), "c": (), "d": ("c",),
    }  # fmt: skip
    assert sum(one.generate_us for one in seen.written) + seen.answer_us == seen.decode_us


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("token_us", [1_000, 20_000])
def test_the_run_is_played_again_to_the_microsecond(
    tmp_path: Path, workers: int, token_us: int
) -> None:
    trace = write_run(tmp_path / "t.jsonl", workers=workers, token_us=token_us)
    document = json.loads(advise(trace, "--json").stdout)
    assert document["played_us"] == document["total_us"]


def test_a_long_call_that_came_late_is_named(tmp_path: Path) -> None:
    result = advise(write_run(tmp_path / "t.jsonl"))
    assert result.exit_code == 0
    assert "search (c, 900.0 ms) was number 3 to be written and should have been number 1" in (
        result.stdout
    )


@pytest.mark.parametrize(
    ("text", "token_us", "workers", "worst"),
    [
        (LATE, 100_000, 0, "decoding"),
        ("[CALL] c [HEAD] search() [END][TRAP][END] done", 1_000, 0, "call"),
        (
            "".join(f"[CALL] c{i} [HEAD] find({i}) [END][TRAP][END]" for i in range(6)),
            1_000, 0, "chain",
        ),
        ("".join(f"[CALL] c{i} [HEAD] find({i}) [END]" for i in range(9)), 1_000, 1, "workers"),
    ],
)  # fmt: skip
def test_the_worst_limit_comes_first(
    tmp_path: Path, text: str, token_us: int, workers: int, worst: str
) -> None:
    trace = write_run(tmp_path / "t.jsonl", text, token_us=token_us, workers=workers)
    document = json.loads(advise(trace, "--json").stdout)
    assert document["limits"][0]["what"] == worst
    assert document["best_us"] <= document["played_us"]


def test_break_even_is_the_difference_to_sync_parallel(tmp_path: Path) -> None:
    """Two calls at once: Sync-Parallel hides nothing of the first behind writing the second."""
    text = "[CALL] c [HEAD] search() [END][CALL] b [HEAD] find() [END][TRAP] all [END]"
    document = json.loads(advise(write_run(tmp_path / "t.jsonl", text), "--json").stdout)
    assert document["rounds"] == 1
    assert document["break_even_us"] == document["sync_parallel_us"] - document["played_us"]
    assert 0 < document["break_even_us"] <= 900_000
    result = advise(write_run(tmp_path / "t.jsonl", text))
    assert "pays here even where a request costs nothing" in result.stdout


def test_it_says_when_calling_so_does_not_pay(tmp_path: Path) -> None:
    text = "[CALL] a [HEAD] find() [END][TRAP][END]"
    result = advise(write_run(tmp_path / "t.jsonl", text))
    assert "does not pay here where a request costs nothing" in result.stdout


def test_a_run_without_calls_has_nothing_to_advise_on(tmp_path: Path) -> None:
    result = advise(write_run(tmp_path / "t.jsonl", "Just words."))
    assert result.exit_code == 1
    assert "no call started" in result.stderr
