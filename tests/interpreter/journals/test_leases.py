"""Journals in a database: one owner at a time, and nothing lost when it dies (Embed/owner)."""

import math
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from killed_answers import require_told_once
from killed_session import HEADER
from leasing_worker import LEASE_S
from postgres_server import postgres_server
from trying import tries
from waiting import wait_until

from interpreter import HostError, Runtime, ScriptedSession, Settings
from interpreter.events import Row
from interpreter.journals import JournalError, Journals, Owned, open_journals
from interpreter.testing import Ran, check_ran
from interpreter.trace import Header, TraceError, check_trace, read_trace

Worker: TypeAlias = "subprocess.Popen[bytes]"
EXPIRE = "UPDATE cml_sessions SET expires_us = 0"
ENDS = "SELECT expires_us FROM cml_sessions"
EMPTY = "DELETE FROM cml_sessions"


class Place(NamedTuple):
    """A database: its URL, and what lets somebody else change it."""

    url: str
    change: Callable[[str], Any]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Place]:
    with postgres_server() as url:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            yield Place(url, connection.execute)


@pytest.fixture
def sqlite(tmp_path) -> Iterator[Place]:
    path = tmp_path / "journals.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        yield Place(f"sqlite:{path}", connection.execute)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request) -> Place:
    place = request.getfixturevalue(request.param)
    open_journals(place.url).close()
    place.change(EMPTY)
    return place


def instants() -> list[list[Row]]:
    """The instants of a session."""
    kept: list[list[Row]] = []
    script = ["[CALL] a ", "[HEAD] ", "once(n=1)", " [END]", "[TRAP] ", "all [END]", " So."]
    functions = {"once": lambda n: n, "often": lambda n: n}
    with Runtime(ScriptedSession(script), functions, journal=kept.append) as runtime:
        list(runtime.run())
    return kept


INSTANTS = instants()
KEYS = st.sampled_from("abc")
WORKERS = st.integers(0, 2)


# ------------------------------------------------------------------------------- whatever the order


class Session:
    """What a session must be like."""

    token = 1
    is_leased = True
    written = 0

    @property
    def is_over(self) -> bool:
        return self.written == len(INSTANTS)

    @property
    def rows(self) -> list[Row]:
        return [row for instant in INSTANTS[: self.written] for row in instant]


class Leases(RuleBasedStateMachine):
    """Three workers and three sessions: whatever they do, and whenever leases end."""

    owned = Bundle("owned")

    def __init__(self, place: Place, workers: Sequence[Journals]) -> None:
        super().__init__()
        self.place, self.workers = place, workers
        place.change(EMPTY)
        self.sessions: dict[str, Session] = {}
        self.held: dict[tuple[int, str], Owned] = {}

    def teardown(self) -> None:
        for owned in self.held.values():
            owned.__exit__()

    def got(self, worker: int, owned: Owned) -> tuple[int, Owned]:
        session = self.sessions[owned.key]
        assert owned.token == session.token
        assert list(owned.past.rows) == session.rows
        self.held[worker, owned.key] = owned
        return worker, owned

    def owns(self, worker: int, owned: Owned) -> bool:
        is_held = self.held.get((worker, owned.key)) is owned
        return is_held and self.sessions[owned.key].token == owned.token

    def drop(self, worker: int, owned: Owned) -> None:
        if self.held.get((worker, owned.key)) is owned:
            del self.held[worker, owned.key]

    @rule(target=owned, worker=WORKERS, key=KEYS)
    def begin(self, worker: int, key: str):
        if key in self.sessions:
            with pytest.raises(HostError, match="there is a session"):
                self.workers[worker].begin(key, HEADER)
            return multiple()
        self.sessions[key] = Session()
        return self.got(worker, self.workers[worker].begin(key, HEADER))

    @rule(target=owned, worker=WORKERS, key=KEYS)
    def take(self, worker: int, key: str):
        session = self.sessions.get(key)
        if session is None or session.is_leased:
            words = "another worker owns the" if session else "there is no session"
            with pytest.raises(HostError, match=words):
                self.workers[worker].take(key)
            return multiple()
        session.token, session.is_leased = session.token + 1, True
        return self.got(worker, self.workers[worker].take(key))

    @rule(target=owned, worker=WORKERS)
    def take_any(self, worker: int):
        free = {k for k, each in self.sessions.items() if not (each.is_leased or each.is_over)}
        taken = self.workers[worker].take_any()
        assert (taken is not None) == bool(free)
        if taken is None:
            return multiple()
        assert taken.key in free
        session = self.sessions[taken.key]
        session.token, session.is_leased = session.token + 1, True
        return self.got(worker, taken)

    @rule(of=owned)
    def write(self, of: tuple[int, Owned]) -> None:
        worker, owned = of
        session = self.sessions[owned.key]
        if not self.owns(worker, owned):
            with pytest.raises(HostError, match="Embed/owner"):
                owned.write(INSTANTS[0])
            self.drop(worker, owned)
        elif not session.is_over:
            owned.write(INSTANTS[session.written])
            session.written += 1

    @rule(worker=WORKERS)
    def renew(self, worker: int) -> None:
        self.workers[worker].renew()
        for (holder, key), owned in list(self.held.items()):
            if holder == worker:
                if self.owns(worker, owned):
                    self.sessions[key].is_leased = True
                else:
                    del self.held[holder, key]

    @rule(of=consumes(owned))
    def give_up(self, of: tuple[int, Owned]) -> None:
        worker, owned = of
        if self.owns(worker, owned):
            self.sessions[owned.key].is_leased = False
        self.drop(worker, owned)
        owned.__exit__()

    @rule(key=KEYS)
    def a_lease_ends(self, key: str) -> None:
        self.place.change(f"{EXPIRE} WHERE key = '{key}'")
        if key in self.sessions:
            self.sessions[key].is_leased = False

    @invariant()
    def what_is_written_is_what_owners_wrote(self) -> None:
        for key, session in self.sessions.items():
            assert list(read_trace(self.workers[0].lines(key))[1]) == session.rows


def test_one_owner_at_a_time_in_sqlite(sqlite: Place) -> None:
    play_leases(sqlite, settings())


@pytest.mark.slow
@pytest.mark.long
def test_one_owner_at_a_time_in_postgres(postgres: Place) -> None:
    play_leases(postgres, tries(50))


def play_leases(place: Place, how: settings) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(open_journals(place.url, lease_s=3_600)) for _ in range(3)]
        run_state_machine_as_test(lambda: Leases(place, workers), settings=how)


@pytest.mark.parametrize("lease_s", [0, -1, math.nan, math.inf])
def test_a_lease_of_no_time_is_refused(tmp_path: Path, lease_s: float) -> None:
    """Its renewal would never rest."""
    with pytest.raises(HostError, match=r"a lease lasts some seconds.*Embed/owner"):
        open_journals(f"sqlite:{tmp_path / 'a.db'}", lease_s=lease_s)


def test_who_takes_at_once_takes_different_sessions(place: Place) -> None:
    with open_journals(place.url) as journals:
        for number in range(20):
            journals.begin(str(number), HEADER)
    place.change(EXPIRE)
    taken: list[str] = []

    def take_all() -> None:
        with open_journals(place.url) as mine:
            while owned := mine.take_any():
                taken.append(owned.key)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(number) for number in range(20)]


# ------------------------------------------------------------------------------------------- sessions


def test_a_session_whose_owner_is_another_now_performs_nothing_more(place: Place) -> None:
    ran: list[int] = []
    script = ["[CALL] a ", "[HEAD] ", "once(n=1)", " [END]", " So."]

    with open_journals(place.url) as mine, open_journals(place.url) as others:
        owned = mine.begin("k", HEADER)

        def write(rows: list[Row]) -> None:
            if any(row.rule == "Step/call" for row in rows):
                place.change(EXPIRE)
                others.take("k")
            owned.write(rows)

        functions = {"once": ran.append, "often": ran.append}
        with Runtime(ScriptedSession(script), functions, journal=write) as runtime:
            with pytest.raises(HostError, match="another worker owns the session 'k' now"):
                list(runtime.run())
            with pytest.raises(HostError, match="Embed/effects"):
                list(runtime.run())
        assert ran == []
        assert not any(b"Step/call" in line for line in mine.lines("k"))


def test_a_lease_is_renewed_as_long_as_its_owner_lives(place: Place) -> None:
    with open_journals(place.url) as others:
        with open_journals(place.url, lease_s=0.5) as mine:
            mine.begin("k", HEADER)
            for _ in range(2):
                place.change(EXPIRE)
                wait_until(lambda: place.change(ENDS).fetchone() > (0,))  # its thread renews it
        wait_until(others.take_any)


def test_a_damaged_line_is_named_and_others_are_taken(place: Place) -> None:
    with open_journals(place.url) as journals:
        for key in "ab":
            with journals.begin(key, HEADER) as owned:
                owned.write(INSTANTS[0])
        place.change(
            "UPDATE cml_instants SET lines = replace(lines, 'began', 'begun') WHERE key = 'a'"
        )
        place.change(f"{EXPIRE} WHERE key = 'a'")
        with pytest.raises(TraceError, match="a: the checksum is that of another line"):
            journals.take_any()
        other = journals.take_any()
        assert other is not None
        assert other.key == "b"


def test_a_session_with_a_cell_of_another_type_is_in_nobodys_way(sqlite: Place) -> None:
    with open_journals(sqlite.url) as journals:
        for key in "ab":
            with journals.begin(key, HEADER) as owned:
                owned.write(INSTANTS[0])
        sqlite.change("UPDATE cml_sessions SET header = x'ff' WHERE key = 'a'")
        sqlite.change(f"{EXPIRE} WHERE key = 'a'")
        other = journals.take_any()
        assert other is not None
        assert other.key == "b"


def test_a_session_with_the_highest_token_is_in_nobodys_way(place: Place) -> None:
    with open_journals(place.url) as journals:
        for key in "ab":
            with journals.begin(key, HEADER) as owned:
                owned.write(INSTANTS[0])
        place.change(f"UPDATE cml_sessions SET token = {2**63 - 1} WHERE key = 'a'")
        place.change(f"{EXPIRE} WHERE key = 'a'")
        other = journals.take_any()
        assert other is not None
        assert other.key == "b"
        assert journals.take_any() is None
        with pytest.raises(JournalError, match="its token is 9223372036854775807, the highest"):
            journals.take("a")
        assert [kept.key for kept in journals.kept() if kept.fault] == ["a"]
        assert len(journals.lines("a")) == 1 + len(INSTANTS[0])


def test_what_is_no_database_is_said(tmp_path) -> None:
    with pytest.raises(HostError, match=r"sqlite:FILE or postgresql://"):
        open_journals("mysql://here")
    (tmp_path / "t.jsonl").write_text("no database at all" * 100)
    for path in (tmp_path / "t.jsonl", tmp_path, tmp_path / "none" / "x.db"):
        with pytest.raises(JournalError, match=str(path)):
            open_journals(f"sqlite:{path}")


def test_a_server_that_is_not_there_is_said(tmp_path, postgres) -> None:
    with pytest.raises(JournalError, match="connection"):
        open_journals(f"postgresql://cml@/postgres?host={tmp_path}")


def test_a_connection_that_broke_is_made_anew(postgres: Place) -> None:
    with open_journals(postgres.url) as journals:
        postgres.change(EMPTY)
        owned = journals.begin("k", HEADER)
        postgres.change(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        with pytest.raises(JournalError):
            owned.write(INSTANTS[0])
        owned.write(INSTANTS[0])
        assert owned.number == 1


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    [example] = (each for each in examples if "open_journals" in each)
    monkeypatch.chdir(tmp_path)
    with open_journals("sqlite:journals.db") as journals:
        journals.begin("trip 6", Header(1, Settings(functions=("look",)), "real")).__exit__()
    exec(example, {})
    with open_journals("sqlite:journals.db") as journals:
        lines = [journals.lines(key) for key in ("trip 6", "trip 7")]
    assert [list(check_trace(each)) for each in lines] == [[], []]
    assert [int(rows) for rows in capsys.readouterr().out.split()] == [
        len(each) - 1 for each in reversed(lines)
    ]


# ------------------------------------------------------------------------- real kills of real processes


def test_workers_that_are_killed_in_sqlite(sqlite: Place, tmp_path) -> None:
    kills_survived(sqlite.url, tmp_path, kills=3, halts=1, seed=1)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_fifty_kills_of_two_workers_in_postgres(place: Place, tmp_path) -> None:
    assert kills_survived(place.url, tmp_path, kills=50, halts=15, seed=2) > 0


def kills_survived(url: str, folder: Path, kills: int, halts: int, seed: int) -> int:
    """Let two workers run sessions while one of them after the other is killed, or halted for longer than
    a lease; hold what came of all sessions against what was done.

    Returns:
        How many sessions a worker had to leave to another when it was let go on.
    """
    chance = random.Random(seed)
    to_come = ["kill"] * kills + ["halt"] * halts
    chance.shuffle(to_come)
    keys: list[str] = []
    start = partial(started, url, folder)
    workers = [start() for _ in range(2)]
    with open_journals(url, lease_s=60) as journals:
        unfinished: set[str] = set()
        while to_come or unfinished:
            while to_come and len(unfinished) < 4:
                keys.append(f"s{len(keys)}")
                unfinished.add(keys[-1])
                journals.begin(keys[-1], HEADER).__exit__()
            time.sleep(chance.random() * 0.3)
            if to_come:
                which = chance.randrange(2)
                workers[which] = disturbed(workers[which], to_come.pop(), journals, start)
            unfinished = {key for key in unfinished if list(check_trace(journals.lines(key)))}
        (folder / "over").touch()
        assert [worker.wait(60) for worker in workers] == [0, 0]
        ran = (folder / "runs.txt").read_text().splitlines()
        for key in keys:
            require_whole(journals, key, ran, folder)
    refused = folder / "refused.txt"
    return len(refused.read_text().splitlines()) if refused.exists() else 0


def started(url: str, folder: Path) -> Worker:
    words = [sys.executable, str(Path(__file__).with_name("leasing_worker.py")), url, str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as out:
        assert out.readline() == b"ready\n"
    return process


def disturbed(worker: Worker, how: str, journals: Journals, start: Callable[[], Worker]) -> Worker:
    """Kill a worker and start another, or halt it until another has taken what it owned."""
    if how == "halt":
        worker.send_signal(signal.SIGSTOP)
        time.sleep(2 * LEASE_S)
        taken = list(iter(journals.take_any, None))
        worker.send_signal(signal.SIGCONT)
        for owned in taken:
            owned.__exit__()
        return worker
    worker.kill()
    worker.wait()
    return start()


def require_whole(journals: Journals, key: str, ran: list[str], folder: Path) -> None:
    lines = journals.lines(key)
    assert list(check_trace(lines)) == []
    rows = list(read_trace(lines)[1])
    require_told_once(
        rows, [line.removeprefix(f"{key} ") for line in ran if line.startswith(f"{key} ")]
    )
    context = folder / f"{key}.txt"
    if context.exists():  # else its worker died when all was over
        check_ran(Ran(HEADER.settings, rows, context.read_text()))
