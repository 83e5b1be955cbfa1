"""`cml simulate` as people and programs call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interpreter.schedule.commands import simulate_command

GOOD = (
    '{"id":"one","calls":[{"id":"a","generate_tokens":10,"execute_us":100000},'
    '{"id":"b","generate_tokens":20,"execute_us":300000}]}\n'
)
BAD = '{"id":"two","calls":[{"id":"a","generate_tokens":10}]}\n'


def run(*arguments: str, given: str = GOOD) -> Result:
    return CliRunner().invoke(simulate_command, ["-", *arguments], input=given)


def test_json_is_one_document_and_nothing_else() -> None:
    result = run("--json", "--policy", "lpt,program", "--model", "sync,async")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert list(document) == ["costs", "workloads", "summary"]
    (entry,) = document["workloads"]
    assert entry["id"] == "one"
    assert entry["lower_bound_us"] == 390_000
    makespans = {(r["model"], r["policy"]): r["makespan_us"] for r in entry["runs"]}
    assert makespans == {
        ("sync", "lpt"): 535_000,
        ("sync", "program"): 535_000,
        ("async", "lpt"): 390_000,
        ("async", "program"): 435_000,
    }


def test_a_table_is_shown_to_people() -> None:
    result = run()
    assert result.exit_code == 0
    assert "sync-parallel" in result.stdout
    assert "fan-tail" in result.stdout


def test_presets_and_files_give_the_costs(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text('{"token_us":1000}')
    slow = json.loads(run("--json", "--costs", "gpt-4o", "--model", "sync").stdout)
    fast = json.loads(run("--json", "--costs", str(file), "--model", "sync").stdout)
    assert slow["costs"]["request_us"] == 310_000
    assert fast["workloads"][0]["runs"][0]["makespan_us"] == 430_000


def test_workers_limit_what_runs_at_once() -> None:
    one = json.loads(run("--json", "--workers", "1", "--model", "async").stdout)
    none = json.loads(run("--json", "--workers", "0", "--model", "async").stdout)
    assert one["workloads"][0]["runs"][0]["makespan_us"] == 490_000
    assert none["workloads"][0]["runs"][0]["makespan_us"] == 390_000


def test_a_faulty_line_ends_the_run() -> None:
    result = run("--json", given=GOOD + BAD)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "line 2" in result.stderr
    assert "execute_us" in result.stderr


def test_keep_going_simulates_the_rest_and_still_fails() -> None:
    result = run("--json", "--keep-going", given=BAD + GOOD)
    assert result.exit_code == 1
    assert "line 1" in result.stderr
    document = json.loads(result.stdout)
    assert [entry["id"] for entry in document["workloads"]] == ["one"]
    assert document["faults"][0]["line"] == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--policy", "lpt,best"), "'best' is not known"),
        (("--model", "asynchronous"), "'asynchronous' is not known"),
        (("--costs", "gpt-3"), "neither a preset"),
        (("--workers", "-1"), "-1"),
        (("--plot", "picture.gif"), ".svg"),
        (("--trace", "no/such/folder/trace.jsonl"), "No such file"),
    ],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...], expected: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_a_missing_file_is_status_2() -> None:
    result = CliRunner().invoke(simulate_command, ["no-such-file.jsonl"])
    assert result.exit_code == 2


def test_a_faulty_costs_file_is_status_1(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text('{"token_us":"fast"}')
    result = run("--costs", str(file))
    assert result.exit_code == 1
    assert "Expected `int`" in result.stderr


def test_trace_tells_every_step(tmp_path: Path) -> None:
    file = tmp_path / "steps.jsonl"
    assert run("--trace", str(file), "--model", "async", "--policy", "lpt").exit_code == 0
    steps = [json.loads(line) for line in file.read_text().splitlines()]
    told = [(step["kind"], step.get("call"), step["start_us"], step["end_us"]) for step in steps]
    assert told == [
        ("generate", "b", 0, 90_000),
        ("generate", "a", 90_000, 135_000),
        ("execute", "b", 90_000, 390_000),
        ("execute", "a", 135_000, 235_000),
        ("wait", None, 135_000, 235_000),
        ("wait", None, 235_000, 390_000),
    ]


@pytest.mark.parametrize("suffix", ["html", "svg", "png"])
def test_plots_are_written(tmp_path: Path, suffix: str) -> None:
    if suffix == "png":
        pytest.importorskip("PIL")
    file = tmp_path / f"runs.{suffix}"
    assert run("--plot", str(file), "--policy", "lpt,program").exit_code == 0
    head = file.read_bytes()[:20]
    assert head.startswith({"html": b"<!doctype html>", "svg": b"<svg", "png": b"\x89PNG"}[suffix])


def test_names_from_outside_do_not_become_markup(tmp_path: Path) -> None:
    file = tmp_path / "runs.html"
    given = GOOD.replace('"id":"one"', '"id":"<script>"').replace('"id":"b"', '"id":"<b>"')
    assert run("--plot", str(file), given=given).exit_code == 0
    assert "<script>" not in file.read_text()
    assert "<b>" not in file.read_text()


def test_the_same_input_gives_the_same_bytes() -> None:
    arguments = ("--json", "--policy", "random,auto", "--seed", "3", "--costs", "gpt-4o")
    assert run(*arguments).stdout == run(*arguments).stdout
