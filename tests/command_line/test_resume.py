"""`cml resume`: a run whose process was killed, as its user meets it."""

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click
import pytest

from interpreter.journals import reopened
from interpreter.trace import read_trace
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
                " cml resume t.jsonl goes on with it, or remove it\n"
            )
            assert trace.read_bytes() == held
    assert cml("resume", "t.jsonl", *WORDS).status == 0


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
