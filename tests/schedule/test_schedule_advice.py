"""What limited a run, what would help, and whether calling asynchronously pays."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from runs_to_advise import LATE, TIMES_US, run_rows, write_run

from interpreter.events import Began
from interpreter.runs import read_run
from interpreter.schedule.advice import advice
from interpreter.schedule.advice.observed import Observation, observe
from interpreter.schedule.commands.traces import advise_command
from interpreter.state import Settings
from interpreter.trace import read_trace


def advise(trace: Path, *arguments: str) -> Result:
    return CliRunner().invoke(advise_command, [str(trace), *arguments])


def observation(trace: Path) -> Observation:
    with trace.open("rb") as lines:
        header, rows = read_trace(lines)
        return observe(header.settings, rows)


def test_needs_are_seen_at_traps_and_in_arguments(tmp_path: Path) -> None:
    seen = observation(write_run(tmp_path / "t.jsonl"))
    assert {call.id: call.needs for call in seen.calls} == {
        "a": (), "b": (), "c": (), "d": ("c",),
    }  # fmt: skip
    assert sum(one.generate_us for one in seen.written) + seen.answer_us == seen.run.decode_us


def test_the_pause_of_a_person_is_no_part_of_the_run() -> None:
    settings = Settings()
    text = f"{LATE}\f[CALL] e [HEAD] find('Bob') [END][TRAP][END] So."
    over_us = run_rows(LATE, settings=settings)[-1].at_us
    at_once, later = (
        observe(
            settings,
            run_rows(text, settings=settings, planned=[(over_us + pause_us, Began("And Bob?"))]),
        )
        for pause_us in (1, 7_000_000)
    )
    assert (at_once.paused_us, later.paused_us) == (1, 7_000_000)
    assert (at_once.written, at_once.answer_us) == (later.written, later.answer_us)
    assert at_once.run.total_us == later.run.total_us
    advised = advice.advise(later)
    assert ", without the 7,000.0 ms between its turns, for 5 calls;" in advised.sentences[0]
    [chain] = (limit.sentence for limit in advised.limits if limit.what == "chain")
    assert "c → d, takes" in chain  # e waited for them too, but nobody had asked for it before


def test_a_call_that_another_breaks_off_takes_no_time_from_it(tmp_path: Path) -> None:
    """What the broken one took belongs to the call that is written next; none of it is lost."""
    whole = observation(write_run(tmp_path / "whole.jsonl", "[CALL] b [HEAD] find() [END]"))
    text = "[CALL] a [HEAD] find( [CALL] b [HEAD] find() [END]"
    broken = observation(write_run(tmp_path / "broken.jsonl", text))
    (alone,), (after,) = whole.calls, broken.calls
    first_us = 60_000  # until the first marker came, which is told apart
    assert (alone.generate_us, after.generate_us) == (260_000 - first_us, 440_000 - first_us)
    assert whole.run.reading_us == broken.run.reading_us == first_us
    assert after.generate_us + broken.answer_us == broken.run.decode_us


def test_a_call_that_timed_out_ran_until_its_deadline(tmp_path: Path) -> None:
    text = "[CALL] c [HEAD] search() [END][TRAP][END] Nothing came, so that is all there is."
    seen = observation(write_run(tmp_path / "t.jsonl", text, settings=Settings(deadline_us=50_000)))
    (call,) = seen.calls
    assert call.execute_us == 50_000


def test_calls_without_identifier_keep_their_own_times_in_any_order_of_start(
    tmp_path: Path,
) -> None:
    """The longest is started first, so the order of starting is not that of writing."""
    text = "[CALL] search() [END][CALL] weather() [END] and, much later, [CALL] find() [END]"
    settings = Settings(workers=1, start="longest", estimates_us=TIMES_US)
    seen = observation(write_run(tmp_path / "t.jsonl", text, settings=settings))
    written = {call.function: call.generate_us for call in seen.calls}
    assert [call.function for call in seen.calls] == ["search", "weather", "find"]
    assert written["weather"] < written["find"]


PIECES = st.sampled_from(
    [
        "words ",
        "[TRAP][END]",
        "[TRAP] all [END]",
        "[CALL] {new} [HEAD] find({new!r}) [END]",
        "[CALL] weather(1) [END]",
        "[CALL] {new} [HEAD] send(to={old}) [END]",
        "[CALL] {old} [HEAD] find() [END]",
        "[CALL] {new} [HEAD] find( ",
        "[CALL] {new} [HEAD] lost() [END]",
        "[CALL] x{new} [HEAD] cancel({old}) [END]",
        "[INTR]",
        "[HEAD]",
    ]
)


@given(
    pieces=st.lists(PIECES, min_size=1, max_size=12),
    workers=st.integers(0, 2),
    deadline_us=st.sampled_from([None, 70_000]),
)
def test_no_decoding_is_lost_whatever_the_model_writes(
    pieces: list[str], workers: int, deadline_us: int | None
) -> None:
    text = "".join(
        piece.format(new=f"c{number}", old=f"c{max(0, number - 1)}")
        for number, piece in enumerate(pieces)
    )
    settings = Settings(workers=workers, deadline_us=deadline_us, functions=tuple(TIMES_US))
    rows = run_rows(text, settings=settings)
    seen = observe(settings, rows)
    assert sum(one.generate_us for one in seen.written) + seen.answer_us == seen.run.decode_us
    assert [one.written_us for one in seen.written] == sorted(o.written_us for o in seen.written)
    for call in seen.calls:
        assert 0 < call.generate_us <= call.written_us <= call.start_us <= call.return_us


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


def test_a_call_that_was_waited_for_is_not_called_long(tmp_path: Path) -> None:
    """What counts is what its return held up: another may have run longer beside the decoding."""
    text = "[CALL] c [HEAD] search() [END][TRAP][END][CALL] b [HEAD] find() [END][TRAP][END] done"
    result = advise(write_run(tmp_path / "t.jsonl", text))
    assert "waiting for one call. It waited for search (c), which ran 900.0 ms." in result.stdout
    assert "long call" not in result.stdout


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


def test_rows_that_no_session_has_are_a_fault_of_the_trace(tmp_path: Path) -> None:
    trace = write_run(tmp_path / "t.jsonl")
    lines = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(b"".join([lines[0], *lines[2:]]))
    result = advise(trace)
    assert result.exit_code == 1
    assert "cml validate" in result.stderr


@pytest.mark.parametrize("workers", [0, 1])
def test_one_after_another_is_one_figure_everywhere(tmp_path: Path, workers: int) -> None:
    trace = write_run(tmp_path / "t.jsonl", workers=workers)
    with trace.open("rb") as lines:
        header, rows = read_trace(lines)
        run = read_run(header.settings, list(rows))
    with trace.open("rb") as lines:
        header, rows = read_trace(lines)
        observation = observe(header.settings, rows)
    played = sum(call.generate_us for call in observation.written) + observation.answer_us
    assert played == run.decode_us
    assert advice.advise(observation).sync_us == run.synchronous_us
