"""One reader of runs: what became of each call, whatever order things happened in."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cml.ast import OutcomeKind
from cml.text.grammar import specification
from interpreter import HostError, Settings, run_virtual
from interpreter.events import Inject, Outcome, Returned, Said, Start
from interpreter.runs import Run, RunCall, RunReader, read_run
from interpreter.schedule.advice.observed import observe
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.vectors import read_vector, run_vector

VECTORS = sorted((specification() / "vectors" / "runs").iterdir(), key=lambda path: path.name)


def run(text: str, took_us: int, settings: Settings) -> Run:
    session = ScriptedSession([text[i : i + 8] for i in range(0, len(text), 8)])
    returned = Outcome(OutcomeKind.RETURNED, 1)
    return read_run(settings, run_virtual(session, lambda _: [(took_us, returned)], settings))


def test_a_call_that_waits_for_a_worker_has_the_block_that_is_its_own() -> None:
    text = "".join(f"[CALL] {name} [HEAD] f() [END]" for name in "abc") + "[TRAP] all [END]"
    calls = run(text, 80_000, Settings(workers=1)).calls
    assert [call.call for call in calls] == ["a", "b", "c"]
    opened = [call.opened_us for call in calls]
    assert opened == sorted(opened)
    assert all(call.opened_us <= call.written_us <= call.started_us for call in calls)
    assert calls[1].written_us < calls[1].started_us == calls[0].returned_us
    assert calls[2].written_us < calls[2].started_us == calls[1].returned_us


def test_a_call_after_one_that_was_broken_off_has_its_own_opening() -> None:
    [call] = run(
        "[CALL] a [HEAD] f( [CALL] b [HEAD] f() [END][TRAP][END]", 10_000, Settings()
    ).calls
    assert call.call == "b"
    assert call.opened_us > 10_000


def test_a_call_that_never_starts_is_there_with_its_outcome() -> None:
    text = "[CALL] a [HEAD] f() [END][CALL] b [HEAD] f(a['k']) [END][TRAP] all [END]"
    _, failed = run(text, 10_000, Settings()).calls
    assert (failed.started_us, failed.outcome, failed.execute_us) == (None, "failed", 0)
    assert failed.returned_us is not None
    assert failed.delivered_us is not None


@given(
    st.lists(
        st.sampled_from(
            [
                "[CALL] a [HEAD] f() [END]",
                "[CALL] b [HEAD] f(a) [END]",
                "[CALL] f() [END]",
                "[CALL] c [HEAD] f( ",
                "[CALL] cancel(b) [END]",
                "[TRAP][END]",
                " so ",
            ]
        ),
        max_size=9,
    ),
    st.sampled_from([1, 7_000, 60_000]),
    st.sampled_from(["drain", "detach", "cancel", "fail"]),
    st.integers(0, 2),
    st.sampled_from([None, 20_000]),
)
def test_the_life_of_a_call_is_in_order(words, took_us, end, workers, deadline_us) -> None:
    settings = Settings(end=end, workers=workers, deadline_us=deadline_us)
    for call in run("".join(words), took_us, settings).calls:
        life = [
            call.opened_us,
            call.written_us,
            call.started_us,
            call.returned_us,
            call.delivered_us,
        ]
        happened = [at_us for at_us in life if at_us is not None]
        assert happened == sorted(happened)
        assert (call.returned_us is None) == (call.outcome in {"waiting", "running"})


def test_what_is_read_before_the_first_word_is_told_apart() -> None:
    found = run("One. [CALL] a [HEAD] f() [END][TRAP][END]Two.", 50_000, Settings())
    first_us = 5_000
    assert found.reading == ((0, first_us),)
    assert found.decoding[0][0] == first_us
    assert found.synchronous_us == found.reading_us + found.decode_us - found.trap_us + 50_000


def test_what_a_person_says_is_there_until_the_model_has_read_it() -> None:
    session = ScriptedSession(["word "] * 20)
    planned = [(12_000, Said("Hurry.")), (101_000, Said("Too late."))]
    rows = run_virtual(session, lambda _: [], Settings(end="detach"), planned=planned)
    early, *rest = read_run(Settings(end="detach"), rows).messages
    assert (early.text, early.said_us) == ("Hurry.", 12_000)
    assert early.read_us == 20_000
    assert all(message.read_us is None or message.read_us > 101_000 for message in rest)


def test_what_a_call_returned_or_failed_with_is_part_of_it() -> None:
    (returned,) = run("[CALL] a [HEAD] f() [END][TRAP][END]", 50_000, Settings()).calls
    assert (returned.outcome, returned.value) == ("returned", 1)
    (late,) = run("[CALL] a [HEAD] f() [END][TRAP][END]", 50_000, Settings(deadline_us=9)).calls
    assert late.outcome == "timeout"
    assert isinstance(late.value, dict)
    assert late.value["type"] == "timeout"


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.name)
def test_the_times_are_those_of_the_rows(path) -> None:
    vector = read_vector(path)
    rows, _ = run_vector(vector)
    reader = RunReader(vector.settings)
    started, returned, delivered = {}, {}, {}
    for row in rows:
        reader.take(row)
        started |= {e.call: row.at_us for e in row.effects if isinstance(e, Start)}
        if row.rule == "Step/return" and isinstance(row.event, Returned):
            returned[row.event.call] = row.at_us
        for effect in row.effects:
            if isinstance(effect, Inject):
                terminal = (
                    d for d in effect.interrupts if d.outcome.kind is not OutcomeKind.PROGRESS
                )
                delivered |= {d.id: row.at_us for d in terminal}
    calls: dict[str, RunCall] = {call.call: call for call in reader.run.calls}
    assert {k: c.started_us for k, c in calls.items() if c.started_us is not None} == started
    assert returned.items() <= {k: c.returned_us for k, c in calls.items()}.items()
    found = {k: c.delivered_us for k, c in calls.items() if c.delivered_us is not None}
    assert found.items() <= delivered.items()
    assert set(found) == set(delivered) & set(calls)


def test_a_row_of_another_rule_is_none_of_the_run() -> None:
    vector = read_vector(next(path for path in VECTORS if path.name == "travel.json"))
    rows = list(run_vector(vector)[0])
    rows[4] = msgspec.structs.replace(rows[4], rule="Step/stray")
    with pytest.raises(HostError, match="found Step/stray"):
        read_run(vector.settings, rows)


def test_a_row_with_other_effects_than_its_rule_has_is_no_row_of_a_run() -> None:
    """So that whoever reads a run, as `cml advise` does, meets no call that the machine has not."""
    settings = Settings()
    session = ScriptedSession(pieces_of("[CALL] a [HEAD] f() [END] [TRAP][END] So."))
    answers = [(1_000, Outcome(OutcomeKind.RETURNED, 1))]
    rows = list(run_virtual(session, lambda _: answers, settings))
    at = next(at for at, row in enumerate(rows) if row.rule == "Settle/start")
    rows[at] = replace(rows[at], effects=(Start("b", "f", (), {}),))
    with pytest.raises(HostError, match="Settle/start has other effects"):
        read_run(settings, rows)
    with pytest.raises(HostError, match="Settle/start has other effects"):
        observe(settings, rows)
