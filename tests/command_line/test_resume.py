"""`cml resume`: a run whose process was killed, as its user meets it."""

import json
from typing import TYPE_CHECKING

import pytest

from interpreter.journals import reopened

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
