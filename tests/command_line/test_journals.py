"""`cml run`, `resume` and `journals` with traces in a database, as their user meets them (Embed/owner)."""

import io
import json
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from disks import fill, small_disk
from postgres_server import postgres_server
from running import process

from interpreter.journals import open_journals
from interpreter.journals.opening import POSTGRES, SQLITE
from interpreter.trace import read_trace

if TYPE_CHECKING:
    from conftest import Cml, Files

WORDS = ("--tools", "good_tools.py", "--backend", "script:good.cml")
STUCK = '''
import time
from pathlib import Path

def slow(x: int) -> str:
    """Takes as long as it is looked at."""
    Path("started").touch()
    time.sleep(60)
    return "never"
'''


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, files: "Files") -> str:
    if request.param == "sqlite":
        return "sqlite:journals.db"
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A name that no other test gives to a session of the same database."""
    return f"of {request.node.name}"


def begun(url: str, key: str, files: "Files", rows: int) -> None:
    """A session that its worker has left after so many instants."""
    lines = files.trace.read_bytes().splitlines(keepends=True)
    header, all_rows = read_trace(lines)
    with open_journals(url) as journals, journals.begin(key, header) as owned:
        for row in list(all_rows)[:rows]:
            owned.write([row])


def test_a_run_is_kept_is_listed_and_is_a_trace(
    cml: "Cml", files: "Files", url: str, key: str
) -> None:
    ran = cml("run", "What is it?", *WORDS, "--trace", f"{url}#{key}", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["trace"].endswith(f"#{key}")
    [kept] = json.loads(cml("journals", f"{url}#{key}", "--json").out)["sessions"]
    assert (kept["key"], kept["prompt"], kept["is_over"]) == (key, "What is it?", True)
    assert (kept["owners"], kept["lease_us"]) == (1, 0)
    listed = cml("journals", url)
    assert key in listed.out
    assert "over" in listed.out
    assert cml("journals", f"{url}#{key}", "-o", "t.jsonl").status == 0
    assert cml("validate", "t.jsonl").status == 0
    again = cml("run", "hi", *WORDS, "--trace", f"{url}#{key}")
    assert (again.status, again.out) == (1, "")
    assert f"there is a session '{key}'; take it, or name another (Embed/owner)" in again.err
    over = cml("resume", f"{url}#{key}", *WORDS)
    assert (over.status, over.out) == (1, "")
    [line] = over.err.splitlines()
    assert line.endswith(f"#{key}: the session is over; there is nothing to go on with")
    [kept] = json.loads(cml("journals", f"{url}#{key}", "--json").out)["sessions"]
    assert kept["owners"] == 1


def test_a_session_that_was_left_goes_on(cml: "Cml", files: "Files", url: str, key: str) -> None:
    begun(url, key, files, 20)
    assert "left" in cml("journals", f"{url}#{key}").out
    ended = cml("resume", f"{url}#{key}", *WORDS, "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["answer"] == "It is done."
    assert f"#{key}: goes on, after 1 owner\n" in ended.err
    assert cml("journals", f"{url}#{key}", "-o", "t.jsonl").status == 0
    assert cml("validate", "t.jsonl").status == 0
    assert cml("replay", "t.jsonl").status == 0


def test_the_session_that_was_left_longest_goes_on_where_none_is_named(
    cml: "Cml", files: "Files"
) -> None:
    url = "sqlite:journals.db"
    for key in ("first", "second"):
        begun(url, key, files, 20)
        time.sleep(0.01)
    told = [json.loads(cml("resume", url, *WORDS, "--json").out)["trace"] for _ in range(2)]
    assert told == [f"{url}#first", f"{url}#second"]
    none = cml("resume", url, *WORDS)
    assert (none.status, none.out) == (1, "")
    assert none.err == (
        "Error: sqlite:journals.db: no session is left by its worker with a turn under way;"
        " cml journals lists what there is\n"
    )


def test_a_session_of_another_worker_is_left_to_it(
    cml: "Cml", files: "Files", url: str, key: str
) -> None:
    begun(url, key, files, 20)
    with open_journals(url) as journals:
        journals.take(key)
        told = cml("resume", f"{url}#{key}", *WORDS)
        assert "owned, " in cml("journals", f"{url}#{key}").out
        journals.lines(key)
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith(f"Error: another worker owns the session '{key}'; its lease lasts ")
    assert told.err.endswith("s yet, and longer if that is renewed (Embed/owner)\n")


def test_a_run_that_is_killed_goes_on_when_its_lease_has_ended(
    cml: "Cml", files: "Files", url: str, key: str
) -> None:
    (files.folder / "stuck.py").write_text(STUCK, encoding="utf-8")
    words = ("run", "hi", "--tools", "stuck.py", "--backend", "script:good.cml")
    running = process(*words, "--trace", f"{url}#{key}")
    while not Path("started").exists():
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)
    running.kill()
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    assert cml("resume", f"{url}#{key}", *WORDS).err.startswith("Error: another worker owns")
    expire(url, key)
    ended = cml("resume", f"{url}#{key}", *WORDS, "--json")
    assert ended.status == 0, ended.err
    assert [call["outcome"] for call in json.loads(ended.out)["calls"]] == ["failed"]
    assert cml("journals", f"{url}#{key}", "-o", "t.jsonl").status == 0
    assert b"interrupted" in Path("t.jsonl").read_bytes()
    assert cml("validate", "t.jsonl").status == 0


def expire(url: str, key: str) -> None:
    """End a lease, as half a minute does."""
    execute(url, f"UPDATE cml_sessions SET expires_us = 0 WHERE key = '{key}'")


def execute(url: str, statement: str) -> None:
    """Change what a database keeps, as none of its workers does."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as connection, connection:
            connection.execute(statement)
        return
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(statement)


def test_a_conversation_is_kept_too(
    cml: "Cml", files: "Files", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    said = cml("chat", "hi", *WORDS, "--trace", "sqlite:journals.db#c1")
    assert said.status == 0, said.err
    [kept] = json.loads(cml("journals", "sqlite:journals.db", "--json").out)["sessions"]
    assert (kept["key"], kept["is_over"]) == ("c1", True)


def test_what_names_no_session_or_no_database_is_a_mistake(cml: "Cml", files: "Files") -> None:
    nameless = cml("run", "hi", *WORDS, "--trace", "sqlite:journals.db")
    assert nameless.status == 2
    assert "sqlite:journals.db names no session; give sqlite:FILE#SESSION" in nameless.err
    missing = cml("resume", "sqlite:none.db", *WORDS)
    assert (missing.status, missing.err) == (2, "Error: none.db: there is no such file\n")
    missing = cml("journals", "sqlite:none.db")
    assert (missing.status, missing.err) == (2, "Error: none.db: there is no such file\n")
    other = cml("journals", "good.jsonl")
    assert other.status == 2
    assert "'good.jsonl' is no database; give sqlite:FILE or postgresql://" in other.err
    no_file = cml("journals", "sqlite:good.jsonl")
    assert (no_file.status, no_file.err) == (
        2,
        "Error: sqlite:good.jsonl: file is not a database\n",
    )
    begun("sqlite:journals.db", "k", files, 3)
    nobody = cml("resume", "sqlite:journals.db#other", *WORDS)
    assert (nobody.status, nobody.err) == (1, "Error: there is no session 'other' (Embed/owner)\n")
    whole = cml("journals", "sqlite:journals.db", "-o", "t.jsonl")
    assert whole.status == 2
    assert "it needs a session, as PLACE#SESSION" in whole.err
    nowhere = cml("run", "hi", *WORDS, "--trace", "sqlite:no/such/folder/j.db#k")
    assert nowhere.status == 2
    assert nowhere.err.startswith("Error: sqlite:no/such/folder/j.db#k: unable to open")


def test_the_trace_of_a_session_is_written_and_that_is_said(cml: "Cml", files: "Files") -> None:
    begun("sqlite:journals.db", "k", files, 3)
    written = cml("journals", "sqlite:journals.db#k", "-o", "t.jsonl")
    said = "the trace of sqlite:journals.db#k is written to t.jsonl\n"
    assert (written.status, written.out, written.err) == (0, "", said)
    both = cml("journals", "sqlite:journals.db#k", "-o", "t.jsonl", "--json")
    assert [each["key"] for each in json.loads(both.out)["sessions"]] == ["k"]
    assert both.err == said
    assert cml("journals", "sqlite:journals.db#k").out.endswith("1 session in sqlite:journals.db\n")


@pytest.mark.parametrize("command", ["validate", "view", "replay", "timeline"])
@pytest.mark.parametrize("database", [SQLITE, *POSTGRES])
def test_what_reads_files_says_how_a_session_of_a_database_becomes_one(
    cml: "Cml", files: "Files", command: str, database: str
) -> None:
    more = ("-o", "t.html") if command == "timeline" else ()
    found = cml(command, f"{database}me:secret@host/j.db#k", *more)
    assert (found.status, found.out) == (2, "")
    name = "sqlite:me:secret@host/j.db#k" if database == SQLITE else database
    assert found.err == (
        f"Error: {name}: this names a database and no file; cml journals PLACE#SESSION -o FILE"
        " writes the trace of a session of it\n"
    )


def test_a_database_without_a_name_is_a_mistake(cml: "Cml", files: "Files") -> None:
    for words in (
        ("journals", "sqlite:"),
        ("resume", "sqlite:", *WORDS),
        ("run", "hi", *WORDS, "--trace", "sqlite:#k"),
    ):
        found = cml(*words)
        assert (found.status, found.out) == (2, "")
        assert "names no file; give sqlite:FILE#SESSION" in found.err


def test_a_damaged_line_is_told(cml: "Cml", files: "Files") -> None:
    begun("sqlite:journals.db", "k", files, 20)
    change = "UPDATE cml_instants SET lines = replace(lines, 'Step', 'Stop') WHERE number = 1"
    with closing(sqlite3.connect("journals.db")) as connection, connection:
        connection.execute(change)
    for place in ("sqlite:journals.db#k", "sqlite:journals.db"):
        with closing(sqlite3.connect("journals.db")) as connection, connection:
            connection.execute("UPDATE cml_sessions SET expires_us = 0")
        told = cml("resume", place, *WORDS)
        assert told.status == 1
        assert "the checksum is that of another line" in told.err


def test_a_damaged_session_is_one_line_of_the_list(cml: "Cml", files: "Files") -> None:
    url = "sqlite:journals.db"
    for key in ("first", "second", "third"):
        begun(url, key, files, 3)
    changed = "replace(header, 'settings', 'sittings')"
    execute(url, f"UPDATE cml_sessions SET header = {changed} WHERE key = 'second'")
    listed = cml("journals", url, "--json")
    assert listed.status == 1
    faults = {each["key"]: each["fault"] for each in json.loads(listed.out)["sessions"]}
    fault = "line 1: the checksum is that of another line; something has changed this one (Trace/checksum)"
    assert faults == {"first": None, "second": fault, "third": None}
    shown = cml("journals", url)
    assert (shown.status, shown.err) == (1, f"second is damaged: {fault}\n")
    standings = [line.split()[:2] for line in shown.out.splitlines()[1:4]]
    assert sorted(standings) == [["first", "left"], ["second", "damaged"], ["third", "left"]]
    assert cml("journals", f"{url}#third").status == 0
    assert cml("journals", f"{url}#second", "-o", "t.jsonl").status == 1
    assert b"sittings" in Path("t.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("sessions SET token = 'many'", "Expected `int`, got `str` - at `$.token`"),
        ("sessions SET header = x'ff'", "Expected `str`, got `bytes` - at `$.header`"),
        ("sessions SET expires_us = 'soon'", "Expected `int`, got `str` - at `$.expires_us`"),
        ("sessions SET is_over = 'perhaps'", "Expected `bool`, got `str` - at `$.is_over`"),
        ("instants SET number = 'one'", "Expected `int`, got `str` - at `$.instants`"),
    ],
)
def test_a_cell_that_sqlite_holds_to_no_type_is_told(
    cml: "Cml", files: "Files", change: str, place: str
) -> None:
    begun("sqlite:journals.db", "k", files, 1)
    with closing(sqlite3.connect("journals.db")) as connection, connection:
        connection.execute(f"UPDATE cml_{change}")
    listed = cml("journals", "sqlite:journals.db")
    said = f"k is damaged: a cell of the session 'k' is of another type: {place}\n"
    assert (listed.status, listed.err) == (1, said)
    assert listed.out.splitlines()[1].split()[:2] == ["k", "damaged"]


@pytest.mark.parametrize(
    ("change", "type_"),
    [
        ("sessions SET header = x'ff'", "bytes"),
        ("sessions SET token = 'many'", "str"),
        ("sessions SET expires_us = 'soon'", "str"),
        ("sessions SET is_over = 'perhaps'", "str"),
        ("instants SET lines = x'ff'", "bytes"),
    ],
)
def test_who_takes_a_session_with_a_cell_of_another_type_is_told(
    cml: "Cml", files: "Files", change: str, type_: str
) -> None:
    begun("sqlite:journals.db", "k", files, 1)
    with closing(sqlite3.connect("journals.db")) as connection, connection:
        connection.execute(f"UPDATE cml_{change}")
    told = cml("resume", "sqlite:journals.db#k", *WORDS)
    assert (told.status, told.out) == (2, "")
    [line] = told.err.splitlines()
    assert "a cell of the session 'k' is of another type: Expected `" in line
    assert f"got `{type_}`" in line


@pytest.mark.parametrize("key", ["x'ff'", "'k'"])
def test_a_session_with_a_cell_of_another_type_is_in_no_ones_way(
    cml: "Cml", files: "Files", key: str
) -> None:
    begun("sqlite:journals.db", "k", files, 1)
    begun("sqlite:journals.db", "whole", files, 1)
    with closing(sqlite3.connect("journals.db")) as connection, connection:
        change = f"SET key = {key}, token = 'many', expires_us = 0 WHERE key = 'k'"
        connection.execute("DELETE FROM cml_instants WHERE key = 'k'")
        connection.execute(f"UPDATE cml_sessions {change}")
    gone_on = cml("resume", "sqlite:journals.db", *WORDS)
    assert gone_on.status == 0, gone_on.err
    assert "whole" in gone_on.err


def test_a_disk_without_room_for_what_sqlite_writes_beside_the_file_is_told(
    cml: "Cml", files: "Files", tmp_path: Path
) -> None:
    begun("sqlite:journals.db", "k", files, 1)
    with small_disk(tmp_path / "disk") as disk:
        copy = disk / "journals.db"
        copy.write_bytes(Path("journals.db").read_bytes())
        fill(disk)
        told = cml("journals", f"sqlite:{copy}")
    assert (told.status, told.out) == (2, "")
    assert "disk I/O error; the disk may be full" in told.err


@pytest.mark.parametrize(("table", "cell"), [("instants", "lines"), ("sessions", "header")])
def test_lines_that_are_no_text_make_no_trace(
    cml: "Cml", files: "Files", table: str, cell: str
) -> None:
    begun("sqlite:journals.db", "k", files, 1)
    with closing(sqlite3.connect("journals.db")) as connection, connection:
        connection.execute(f"UPDATE cml_{table} SET {cell} = x'ff'")
    told = cml("journals", "sqlite:journals.db#k", "-o", "t.jsonl")
    assert told.status == 2
    assert f"Expected `str`, got `bytes` - at `$.{cell}`" in told.err
    assert not Path("t.jsonl").exists()


def test_no_password_is_shown(cml: "Cml", files: "Files", tmp_path: Path) -> None:
    url = f"postgresql://me:secret@/db?host={tmp_path}&password=secret"
    found = cml("run", "hi", *WORDS, "--trace", f"{url}#k")
    assert found.status == 2
    assert found.err.startswith("Error: postgresql:///db#k: connection")
    assert "secret" not in found.err


def test_what_a_session_is_called_and_asked_cannot_act_on_the_terminal(
    cml: "Cml", files: "Files"
) -> None:
    with open_journals("sqlite:journals.db") as journals:
        header, _ = read_trace(files.trace.read_bytes().splitlines(keepends=True))
        journals.begin("\x1b[31m[b]red", header).__exit__()
    listed = cml("journals", "sqlite:journals.db")
    assert "\x1b" not in listed.out
    assert "␛[31m[b]red" in listed.out
