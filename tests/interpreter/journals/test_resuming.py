"""A session goes on from its trace, wherever that breaks off (Embed/resume)."""

import random
import subprocess
import sys
from pathlib import Path

import driver_stories as stories
import pytest
from killed_answers import require_told_once, went_in
from trying import seeds

from interpreter import HostError, Runtime, ScriptedSession, Settings
from interpreter.events import Row, Start
from interpreter.journals import abandon, reopened
from interpreter.state import Phase
from interpreter.testing import Ran, check_ran
from interpreter.tools.declared import tool
from interpreter.trace import Header, TraceError, check_trace, journal, read_trace

CALLS = [
    "[CALL] a [HEAD] once() [END]",
    "[CALL] b [HEAD] often() [END]",
    "[TRAP] all [END]",
    " So.",
]


def once() -> str:
    return "once"


@tool(idempotent=True)
def often() -> str:
    return "often"


FUNCTIONS = {"once": once, "often": often}


def rows_of(path: Path) -> list[Row]:
    with path.open("rb") as file:
        return list(read_trace(file)[1])


def recorded(path: Path, functions=FUNCTIONS, script=CALLS) -> list[Row]:
    """Write a trace of a whole session."""
    with path.open("wb") as file:
        settings = Settings(functions=tuple(functions))
        write = journal(file, Header(1, settings, "real"))
        with Runtime(ScriptedSession(script), functions, journal=write) as runtime:
            return list(runtime.run())


def gone_on(path: Path, session, functions=FUNCTIONS) -> list[Row]:
    """Go on from a trace; return what the trace has afterwards."""
    with (
        reopened(path) as again,
        Runtime(session, functions, journal=again.write, past=again.past) as runtime,
    ):
        if again.past.state.phase is not Phase.ENDED:
            list(runtime.run())
    return rows_of(path)


def require_valid(path: Path) -> None:
    with path.open("rb") as file:
        assert list(check_trace(file)) == []


def test_what_had_returned_is_not_run_again_and_what_ran_only_if_it_may(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    rows = recorded(path)
    lines = path.read_bytes().splitlines(keepends=True)
    started = [i for i, row in enumerate(rows) if any(isinstance(e, Start) for e in row.effects)]
    path.write_bytes(b"".join(lines[: started[-1] + 2]))
    before = [row.event.call for row in rows[: started[-1] + 1] if row.rule == "Step/return"]
    ran: list[str] = []

    @tool(idempotent=True)
    def often_again() -> str:
        ran.append("often")
        return "again"

    session = ScriptedSession(CALLS)
    functions = {"once": lambda: ran.append("once"), "often": often_again}
    told = {
        identifier: value for identifier, _, value in went_in(gone_on(path, session, functions))
    }
    assert ran == ["often"]
    assert told["b"] == "again"
    assert told["a"] == "once" if "a" in before else told["a"]["type"] == "interrupted"
    assert session.context.endswith(" So.")
    require_valid(path)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_session_goes_on_from_any_byte_of_its_trace(tmp_path, seed) -> None:
    go_on_from_anywhere(tmp_path / "t.jsonl", seed, cuts=4)


@pytest.mark.parametrize("seed", seeds(5_000, 400, of_them_slow=60))
def test_a_random_session_goes_on_from_many_bytes_of_its_trace(tmp_path, seed) -> None:
    go_on_from_anywhere(tmp_path / "t.jsonl", seed, cuts=25)


def go_on_from_anywhere(path: Path, seed: int, cuts: int) -> None:
    story = stories.draw(seed)
    story.turns = 1  # what a host itself puts into the context stands in no row
    told = stories.play(story)
    with path.open("wb") as file:
        journal(file, Header(1, told.settings, "real"))(told.rows)
    whole = path.read_bytes()
    chance = random.Random(seed)
    first = whole.index(b"\n") + 1
    for _ in range(cuts):
        path.write_bytes(whole[: chance.randint(first, len(whole))])
        session = ScriptedSession(story.script)
        session.prompt(stories.PROMPT)
        with reopened(path) as again:
            is_over = again.past.state.phase is Phase.ENDED
        rows = gone_on(path, session, stories.FUNCTIONS)
        require_valid(path)
        if not is_over:
            check_ran(Ran(told.settings, rows, session.context, stories.PROMPT))


# ------------------------------------------------------------------------- real kills of real processes


def test_a_process_that_is_killed_again_and_again_loses_nothing(tmp_path) -> None:
    require_kills_survived(tmp_path, 6, kills_of_a_session=6)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_hundred_kills(tmp_path) -> None:
    require_kills_survived(tmp_path, 200, kills_of_a_session=8)


def require_kills_survived(folder: Path, kills: int, kills_of_a_session: int) -> None:
    """Kill sessions until there were so many kills: some sessions are over before all of theirs."""
    survived, seed = 0, 1
    while survived < kills:
        own = folder / str(seed)
        own.mkdir()
        survived += kills_survived(own, kills_of_a_session, seed)
        seed += 1


def kills_survived(folder: Path, kills: int, seed: int) -> int:
    """Kill a session at random moments, each time going on from its trace; hold what came of it
    against what it did. Return how many kills there were before it came to its end.
    """
    chance = random.Random(seed)
    killed = sum(is_killed(folder, chance.random() * 0.15) for _ in range(kills))
    assert not is_killed(folder, None)
    path = folder / "trace.jsonl"
    require_valid(path)
    rows = rows_of(path)
    require_told_once(rows, (folder / "runs.txt").read_text().split("\n"))
    context = (folder / "context.txt").read_text()
    if context:  # else the last of them died when all was over
        with reopened(path) as again:
            settings = again.past.header.settings
        check_ran(Ran(settings, rows, context))
        assert context.endswith(" So it is.")
    return killed


def is_killed(folder: Path, after_s: float | None) -> bool:
    """Run the session; kill it after a while, if it still runs. Return whether it was."""
    words = [sys.executable, str(Path(__file__).with_name("killed_session.py")), str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            status = process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    assert status == 0
    return False


# ------------------------------------------------------------------------------------ damaged journals


def test_a_bit_that_flips_is_seen(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    recorded(path)
    whole = path.read_bytes()
    chance = random.Random(7)
    for _ in range(100):
        at = chance.randrange(len(whole))
        path.write_bytes(
            whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :]
        )
        if path.read_bytes().endswith(b"\n"):
            with pytest.raises(TraceError), reopened(path):
                pass
        with path.open("rb") as file:
            assert [found for found in check_trace(file) if found.severity.value == "error"]


def test_a_trace_that_a_live_process_writes_is_left_alone(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    recorded(path)
    with (
        reopened(path),
        pytest.raises(HostError, match=r"another process.*Embed/resume"),
        reopened(path),
    ):
        pass


def test_a_torn_last_line_is_dropped_and_the_file_goes_on_behind_the_whole_ones(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    recorded(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with reopened(path) as again:
        assert again.dropped_bytes == len(whole.splitlines(keepends=True)[-1]) - 10
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:-1])


def test_a_trace_that_is_abandoned_keeps_its_rows_and_is_never_resumed(tmp_path) -> None:
    """Trace/abandoned: also where the last row came torn, and where no row came at all."""
    path = tmp_path / "t.jsonl"
    recorded(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for last, torn in enumerate([*lines[1:], b""]):
        path.write_bytes(b"".join(lines[: last + 1]) + torn[:-3])
        abandon(path)
        kept = path.read_bytes().splitlines(keepends=True)
        assert kept[:-1] == lines[:last]
        rule = "Trace/abandoned" if last else "Trace/format"
        assert [found.rule for found in check_trace(kept)] == [rule]
        with pytest.raises(TraceError), reopened(path):
            pass


def test_a_trace_that_cannot_even_be_marked_is_removed(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    recorded(path)
    path.write_bytes(path.read_bytes().replace(b'"rule"', b'"rale"', 1))  # a disk that forgets
    abandon(path)
    assert not path.exists()


def test_a_row_is_on_the_disk_where_that_is_asked_for(tmp_path, monkeypatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    with (tmp_path / "t.jsonl").open("wb") as file:
        write = journal(file, Header(1), flush="disk")
        write(())
        assert synced == [file.fileno()] * 2


# ------------------------------------------------------------------------------------------- sessions


class Plain(ScriptedSession):
    abilities = frozenset()


def test_a_session_that_cannot_be_restored_is_refused_before_anything_is_done(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    recorded(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:12]))
    with pytest.raises(HostError, match="needs the ability 'restore'"):
        gone_on(path, Plain(CALLS))
    assert path.read_bytes() == b"".join(lines[:12])


def test_a_function_that_is_missing_is_named(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    recorded(path)
    with pytest.raises(HostError, match=r"often \(Embed/resume\)"):
        gone_on(path, ScriptedSession(CALLS), {"once": once})
