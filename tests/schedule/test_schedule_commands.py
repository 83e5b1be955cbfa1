"""`cml simulate` as people and programs call it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from extras import from_extra

from interpreter.schedule.commands.simulate import simulate_command

TWO_POINTS = ("--what-if", "workers=1,2")
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
    assert "auto" in result.stdout


def test_presets_and_files_give_the_costs(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text('{"token_us":1000}')
    slow = json.loads(run("--json", "--costs", "gpt-4o", "--model", "sync").stdout)
    fast = json.loads(run("--json", "--costs", str(file), "--model", "sync").stdout)
    assert slow["costs"]["request_us"] == 310_000
    assert fast["workloads"][0]["runs"][0]["makespan_us"] == 430_000


def test_workers_limit_what_runs_at_once() -> None:
    one = json.loads(run("--json", "--workers", "1", "--model", "async", "--policy", "lpt").stdout)
    none = json.loads(run("--json", "--workers", "0", "--model", "async", "--policy", "lpt").stdout)
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
        (("--trace", "no/such/folder/trace.jsonl"), "its folder does not exist"),
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


HEADS = {"html": b"<!doctype html>", "svg": b"<?xml", "png": b"\x89PNG"}


@pytest.mark.parametrize("suffix", ["html", "svg", "png"])
@pytest.mark.parametrize("more", [(), ("--what-if", "workers=1,2,0", "--what-if", "noise=0,0.5")])
def test_plots_are_written(tmp_path: Path, suffix: str, more: tuple[str, ...]) -> None:
    if suffix != "html":
        from_extra("plot", "matplotlib")
    file = tmp_path / f"runs.{suffix}"
    result = run("--plot", str(file), "--policy", "lpt,program", *more)
    assert result.exit_code == 0, result.stderr
    written = file.read_bytes()
    assert written.startswith(HEADS[suffix])
    if suffix == "html":
        assert not re.search(rb"src=|href=|https?:|@import|url\(", written), "it fetches nothing"
        assert len(written) < 300_000
    assert run("--plot", str(file), "--policy", "lpt,program", *more).exit_code == 0
    assert file.read_bytes() == written


@pytest.mark.parametrize("suffix", ["html", "svg"])
def test_names_from_outside_do_not_become_markup(tmp_path: Path, suffix: str) -> None:
    if suffix != "html":
        from_extra("plot", "matplotlib")
    file = tmp_path / f"runs.{suffix}"
    names = {'"id":"one"': '"id":"<script>one"', '"id":"b"': '"id":"<b>$x_1$"'}
    given = GOOD
    for old, new in names.items():
        given = given.replace(old, new)
    assert run("--plot", str(file), given=given).exit_code == 0
    text = file.read_text()
    assert "<script>one" not in text
    assert "<b>$x_1$" not in text


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (("--plot", "runs.png"), "matplotlib", "plot"),
        (("--policy", "optimal", "--costs", "costs.json"), "ortools", "optimal"),
    ],
)
def test_a_missing_library_is_named(
    tmp_path: Path, arguments: tuple[str, ...], package: str, extra: str
) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(GOOD)
    # A trap longer than the calls: no run reaches its bound, so the solver is asked.
    (tmp_path / "costs.json").write_text('{"token_us":1000,"trap_tokens":1000}')
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from interpreter.schedule.commands.simulate import simulate_command\n"
        "simulate_command()"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(file), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert found.returncode == 1
    assert found.stderr.startswith(f"Error: the package {package} is not installed")
    assert f'pip install "cml-lang[{extra}]"' in found.stderr
    assert found.stdout == ""


def test_a_sweep_gives_a_summary_for_each_point() -> None:
    result = run(
        "--json",
        "--model",
        "async",
        "--policy",
        "lpt",
        "--what-if",
        "workers=1,2",
        "--what-if",
        "token_us=1000,4500",
    )
    document = json.loads(result.stdout)
    points = [(point["workers"], point["token_us"]) for point in document["what_if"]]
    assert points == [(1, 1000), (1, 4500), (2, 1000), (2, 4500)]
    made = {
        point: entry["summary"][0]["mean_makespan_us"]
        for point, entry in zip(points, document["what_if"], strict=True)
    }
    assert made[1, 4500] == 490_000
    assert made[2, 4500] == 390_000
    assert made[2, 1000] < made[2, 4500]


def test_a_sweep_is_shown_to_people_and_faults_still_count() -> None:
    result = run("--keep-going", "--what-if", "workers=1,2", given=GOOD + BAD)
    assert result.exit_code == 1
    assert result.stderr.count("line 2") == 1
    assert "workers" in result.stdout


def test_noise_changes_estimates_and_not_times() -> None:
    """Sync runs as long as before; the order by estimates changes in some of many workloads."""
    calls = (f'{{"id":"c{i}","generate_tokens":10,"execute_us":{100_000 + i}}}' for i in range(8))
    given = f'{{"id":"eight","calls":[{",".join(calls)}]}}\n'
    arguments = ("--json", "--model", "sync,async", "--policy", "lpt", "--workers", "2")
    exact, blurred = json.loads(run(*arguments, "--what-if", "noise=0,2", given=given).stdout)[
        "what_if"
    ]
    (sync, later), (sync_blurred, later_blurred) = (
        [line["mean_makespan_us"] for line in point["summary"]] for point in (exact, blurred)
    )
    assert sync == sync_blurred
    assert later != later_blurred


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--what-if", "speed=1"), "workers, token_us, noise"),
        (("--what-if", "workers="), "NAME=VALUE"),
        (("--what-if", "workers=1.5"), "whole number"),
        (("--what-if", "noise=nan"), "a number from 0"),
        (("--what-if", "workers=1", "--what-if", "workers=2"), "swept once"),
        (("--what-if", "workers=1", "--trace", "steps.jsonl"), "--trace"),
    ],
)
def test_a_wrong_sweep_is_status_2(arguments: tuple[str, ...], expected: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_the_same_input_gives_the_same_bytes() -> None:
    arguments = ("--json", "--policy", "random,auto", "--seed", "3", "--costs", "gpt-4o")
    assert run(*arguments).stdout == run(*arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "policy"),
    [
        ((), "auto"),
        (("--workers", "2"), "auto"),
        (("--what-if", "workers=0,2"), "auto"),
        (("--workers", "2", "--policy", "lpt"), "lpt"),
    ],
)
def test_auto_is_the_policy_where_none_is_named(arguments: tuple[str, ...], policy: str) -> None:
    document = json.loads(run("--json", "--model", "async", *arguments).stdout)
    summaries = [document] if "summary" in document else document["what_if"]
    assert {entry["summary"][0]["policy"] for entry in summaries} == {policy}


def test_a_picture_of_too_many_rows_is_refused(tmp_path: Path) -> None:
    calls = ",".join(f'{{"id":"c{i}","generate_tokens":1,"execute_us":1}}' for i in range(600))
    given = f'{{"id":"large","calls":[{calls}]}}\n'
    result = run("--plot", str(tmp_path / "runs.svg"), "--model", "sync,async", given=given)
    assert result.exit_code == 2
    assert "too many for a picture" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("more", [(), TWO_POINTS])
def test_a_file_without_workloads_has_no_table(more: tuple[str, ...]) -> None:
    result = run(*more, given="\n\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "-: there is no workload in it\n"


@pytest.mark.parametrize("more", [(), TWO_POINTS])
def test_a_file_without_workloads_says_so(tmp_path: Path, more: tuple[str, ...]) -> None:
    file = tmp_path / "runs.html"
    result = run(*more, "--json", "--plot", str(file), given="\n\n")
    assert result.exit_code == 0
    assert result.stderr == "-: there is no workload in it\n"
    assert not json.loads(result.stdout).get("workloads")
    assert not file.exists()


@pytest.mark.parametrize(
    ("given", "more", "title"),
    [
        (GOOD, (), "1 workload\n"),
        (GOOD * 2, (), "2 workloads"),
        (GOOD, TWO_POINTS, "2 points"),
        (GOOD, ("--what-if", "workers=1"), "1 point\n"),
    ],
)
def test_counts_agree_with_their_nouns(given: str, more: tuple[str, ...], title: str) -> None:
    first = run(*more, given=given).stdout.partition("┏")[0]
    assert title.strip() == first.strip()


def test_the_table_says_what_the_gap_is_to() -> None:
    assert "gap: how far above the lower bound of the same model" in " ".join(run().stdout.split())


def test_models_that_know_no_policy_are_drawn_once(tmp_path: Path) -> None:
    file = tmp_path / "runs.html"
    assert run("--plot", str(file), "--policy", "lpt,fan-tail,auto").exit_code == 0
    titles = re.findall(r"<h4>([^:]*):", file.read_text())
    several = [
        f"{model} · {policy}"
        for model in ("async", "async-naive")
        for policy in ("lpt", "fan-tail", "auto")
    ]
    assert titles == ["sync", "sync-parallel", *several]
