"""`cml resume`: a run whose process was killed, as its user meets it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from disks import PAGE_BYTES, fill, make_read_only, small_disk
from msgspec.structs import replace
from running import limited_files, process

from interpreter.journals import open_journals, reopened
from interpreter.trace import encode_header, read_trace, with_checksum
from model_adapters.commands.running.files import NewFile

if TYPE_CHECKING:
    from conftest import Cml, Files

WORDS = ("--tools", "good_tools.py", "--backend", "script:good.cml")


def test_a_run_that_is_killed_goes_on(cml: "Cml", files: "Files") -> None:
    assert cml("run", "hi", *WORDS, "--trace", "t.jsonl").status == 0
    trace = files.folder / "t.jsonl"
    whole = trace.read_bytes().splitlines(keepends=True)
    started = next(i for i, line in enumerate(whole) if b'"start"' in line)
    trace.write_bytes(b"".join(whole[: started + 1]) + whole[started + 1][:-7])
    ended = cml("resume", "t.jsonl", *WORDS, "--json")
    assert ended.status == 0
    assert json.loads(ended.out)["answer"] == "It is done."
    assert "the last line was cut off" in ended.err
    assert "interrupted" in ended.err
    assert cml("validate", "t.jsonl").status == 0
    assert cml("replay", "t.jsonl").status == 0


def test_a_run_writes_over_no_trace_of_a_session_that_is_not_over(
    cml: "Cml", files: "Files"
) -> None:
    trace = files.folder / "t.jsonl"
    run = ("run", "hi", *WORDS, "--trace", "t.jsonl")
    assert cml(*run).status == 0
    whole = trace.read_bytes()
    lines = whole.splitlines(keepends=True)
    for held in (lines[0], b"".join(lines[:-1]), whole[:-7]):
        trace.write_bytes(held)
        for words in (run, ("chat", *run[1:])):
            found = cml(*words)
            assert (found.status, found.out) == (1, "")
            assert found.err == (
                "Error: t.jsonl: the session of this trace is not over;"
                " cml resume t.jsonl goes on with it, --overwrite begins anew\n"
            )
            assert trace.read_bytes() == held
    assert cml("resume", "t.jsonl", *WORDS).status == 0


@pytest.mark.parametrize("command", ["run", "chat"])
def test_a_trace_is_written_over_where_that_is_asked_for(
    cml: "Cml", files: "Files", command: str
) -> None:
    """As after a backend that raised while somebody writes it."""
    trace = files.folder / "t.jsonl"
    words = (command, "hi", *WORDS, "--trace", "t.jsonl", "--overwrite")
    assert cml("run", *words[1:]).status == 0  # there is nothing to write over yet
    lines = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(b"".join(lines[:-1]))
    started = process(*words)  # of its own, for `chat` reads on until its input ends
    _, err = started.communicate(timeout=120)
    assert (started.returncode, err) == (0, b"")
    assert cml("validate", "t.jsonl").status == 0


def test_what_a_living_process_writes_is_not_written_over_though_that_is_asked_for(
    cml: "Cml", files: "Files"
) -> None:
    before = files.trace.read_bytes()
    with reopened(files.trace):
        told = cml("run", "hi", *WORDS, "--trace", "good.jsonl", "--overwrite")
    assert (told.status, "another process writes this trace" in told.err) == (1, True)
    assert files.trace.read_bytes() == before


@pytest.mark.parametrize("place", [(), ("--trace", "sqlite:new.db#one")])
def test_where_no_file_is_written_none_is_written_over(
    cml: "Cml", files: "Files", place: tuple[str, ...]
) -> None:
    told = cml("run", "hi", *WORDS, *place, "--overwrite")
    assert told.status == 2
    assert "--overwrite writes over the file of a --trace; there is none" in told.err
    assert not (files.folder / "new.db").exists()


@pytest.mark.parametrize("held", [None, b"", b"my notes", b'{"cml_trace":1', b"\xff\n"])
def test_a_run_writes_over_what_nobody_can_go_on_with(
    cml: "Cml", files: "Files", held: bytes | None
) -> None:
    trace = files.folder / "t.jsonl"
    run = ("run", "hi", *WORDS, "--trace", "t.jsonl")
    assert cml(*run).status == 0
    if held is not None:
        trace.write_bytes(held)
    assert cml(*run).status == 0
    assert cml("validate", "t.jsonl").status == 0


def test_a_trace_that_is_begun_while_a_model_is_loaded_is_not_written_over(
    files: "Files",
) -> None:
    trace = files.folder / "t.jsonl"
    header, _ = read_trace(files.trace.read_bytes().splitlines(keepends=True))
    begun = files.trace.read_bytes().splitlines(keepends=True)[0]
    with ExitStack() as stack:
        recording = NewFile(trace, stack)
        trace.write_bytes(begun)
        with pytest.raises(click.ClickException, match="is not over"):
            recording.begin(header, print)
    assert trace.read_bytes() == begun


def test_another_model_that_goes_on_is_told(cml: "Cml", files: "Files") -> None:
    assert cml("run", "hi", *WORDS, "--trace", "t.jsonl").status == 0
    trace = files.folder / "t.jsonl"
    begun = b"".join(trace.read_bytes().splitlines(keepends=True)[:-1])
    trace.write_bytes(begun)
    assert cml("resume", "t.jsonl", *WORDS).err == ""
    trace.write_bytes(begun)
    (files.folder / "other.cml").write_bytes(files.context.read_bytes())
    other = cml("resume", "t.jsonl", *WORDS[:-1], "script:other.cml")
    said = "begun by the script good.cml; the script other.cml goes on with it\n"
    assert (other.status, other.err) == (0, said)
    files.trace.write_bytes(files.trace.read_bytes().splitlines(keepends=True)[0])
    assert cml("resume", "good.jsonl", *WORDS).err == ""  # which names no model


def test_what_cannot_be_resumed_is_said_in_a_line(cml: "Cml", files: "Files") -> None:
    assert cml("run", "hi", *WORDS, "--trace", "t.jsonl").status == 0
    over = cml("resume", "t.jsonl", *WORDS)
    assert (over.status, over.err) == (
        1,
        "Error: t.jsonl: the session is over; there is nothing to go on with\n",
    )
    trace = files.folder / "t.jsonl"
    trace.write_bytes(trace.read_bytes().replace(b"Hi", b"Ho", 1))
    damaged = cml("resume", "t.jsonl", *WORDS)
    assert damaged.status == 1
    assert "the checksum is that of another line" in damaged.err


def test_a_trace_that_a_live_process_writes_is_neither_resumed_nor_overwritten(
    cml: "Cml", files: "Files"
) -> None:
    trace = files.folder / "good.jsonl"
    before = trace.read_bytes()
    with reopened(trace):
        told = [
            cml("run", "hi", *WORDS, "--trace", "good.jsonl"),
            cml("resume", "good.jsonl", *WORDS),
        ]
    message = (
        "Error: good.jsonl: another process writes this trace; a session has one driver"
        " (Embed/resume)\n"
    )
    assert [(one.status, one.err) for one in told] == [(1, message)] * 2
    assert trace.read_bytes() == before


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"", "the trace is empty; its first line is the header"),
        (
            b"my notes",
            "the line is cut off in the middle, or this is no trace: its first line is the header",
        ),
        (b"\xff\xfe" * 50, "not UTF-8 at byte 1 of the line"),
    ],
)
def test_a_file_that_is_no_trace_is_told_as_what_it_is(
    cml: "Cml", files: "Files", held: bytes, said: str
) -> None:
    (files.folder / "notes").write_bytes(held)
    found = cml("resume", "notes", *WORDS)
    assert (found.status, found.err) == (1, f"Error: notes: line 1: {said}\n")
    assert (files.folder / "notes").read_bytes() == held


# ---------------------------------------------------------------------------- disks that do not take it


@pytest.fixture
def disk(files: "Files") -> Iterator[Path]:
    with small_disk(files.folder / "disk") as found:
        yield found.relative_to(files.folder)


def killed(cml: "Cml", trace: Path, room_bytes: int) -> list[bytes]:
    """Leave the trace of a run that was killed while its call ran, with so much room behind it up to the
    end of its page.

    Returns:
        The lines that are left.
    """
    assert cml("run", "hi", *WORDS, "--trace", trace).status == 0
    whole = trace.read_bytes().splitlines(keepends=True)
    started = next(i for i, line in enumerate(whole) if b'"start"' in line)
    header, _ = read_trace(whole)
    left = [b"", *whole[1 : started + 1]]
    asked = "hi"
    for _ in range(2):  # the second time with a prompt that is as long as it takes
        left[0] = with_checksum(encode_header(replace(header, prompt=asked)))
        asked += "." * (PAGE_BYTES - room_bytes - sum(map(len, left)))
    trace.write_bytes(b"".join(left))
    assert trace.stat().st_size == PAGE_BYTES - room_bytes
    return left


@pytest.mark.parametrize("room_bytes", [0, 40, 400])
def test_a_session_that_goes_on_on_a_full_disk_ends_there_and_goes_on_later(
    cml: "Cml", disk: Path, room_bytes: int
) -> None:
    trace = disk / "t.jsonl"
    left = killed(cml, trace, room_bytes)
    full = fill(disk)
    for _ in range(2):  # the second time the row is there that was cut off the first time
        ended = cml("resume", trace, *WORDS)
        assert ended.status == 2
        assert ended.err.splitlines()[-1] == f"Error: {trace}: cannot be written: the disk is full"
        lines = trace.read_bytes().splitlines(keepends=True)
        assert lines[: len(left)] == left
        read = list(read_trace(line for line in lines if line.endswith(b"\n"))[1])
        assert len(read) >= len(left) - 1
        assert not any(b'"abandoned"' in line for line in lines)
    full.unlink()
    ended = cml("resume", trace, *WORDS, "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["answer"] == "It is done."
    assert cml("validate", trace).status == 0
    assert cml("replay", trace).status == 0


def test_a_session_in_a_read_only_folder_is_left_as_it_is(cml: "Cml", disk: Path) -> None:
    trace = disk / "t.jsonl"
    left = killed(cml, trace, 400)
    make_read_only(disk)
    ended = cml("resume", trace, *WORDS)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"Error: {trace}: cannot be written: Read-only file system\n"
    assert trace.read_bytes() == b"".join(left)


@pytest.fixture
def left_session(files: "Files", disk: Path) -> str:
    """A database on the disk, with a session that its worker has left."""
    url = f"sqlite:{disk}/journals.db"
    header, rows = read_trace(files.trace.read_bytes().splitlines(keepends=True))
    with open_journals(url) as journals, journals.begin("k", header) as owned:
        for row in list(rows)[:20]:
            owned.write([row])
    return url


def test_a_session_in_a_database_on_a_full_disk_goes_on_later(
    cml: "Cml", disk: Path, left_session: str
) -> None:
    full = fill(disk)
    ended = cml("resume", left_session, *WORDS)
    assert (ended.status, ended.out) == (2, "")
    [line] = ended.err.splitlines()
    said = line.removeprefix(f"Error: {left_session}: ")  # as SQLite has it: of a file, of memory
    assert said.startswith(("database or disk is full", "disk I/O error; the disk may be full"))
    full.unlink()
    ended = cml("resume", left_session, *WORDS, "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["answer"] == "It is done."


def test_a_session_in_a_database_in_a_read_only_folder_is_left_as_it_is(
    cml: "Cml", disk: Path, left_session: str
) -> None:
    before = (disk / "journals.db").read_bytes()
    make_read_only(disk)
    ended = cml("resume", left_session, *WORDS)
    assert (ended.status, ended.out) == (2, "")
    advice = "SQLite writes to the file and beside it: both have to be allowed"
    assert ended.err == f"Error: {left_session}: unable to open database file; {advice}\n"
    assert (disk / "journals.db").read_bytes() == before


def test_a_trace_that_has_no_room_ends_the_session_that_goes_on(cml: "Cml", files: "Files") -> None:
    """As above, where no disk can be mounted: a limit on the size of files stands for one."""
    trace = Path("t.jsonl")
    left = killed(cml, trace, 400)
    limited = limited_files(trace.stat().st_size + 100)
    command = [sys.executable, "-c", limited, "resume", "t.jsonl", *WORDS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "Error: t.jsonl: cannot be written: File too large"
    assert trace.read_bytes().startswith(b"".join(left))
    assert cml("resume", trace, *WORDS).status == 0
