"""A signal comes between any two steps of its thread, so also where that holds a lock or takes an instant."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stuck_verbs import Kept
from trying import tries

import interpreter
from interpreter import HostError, Runtime, ScriptedSession
from interpreter.executors.strand import Strand, at_once
from interpreter.scripted import pieces_of

_OURS = str(Path(interpreter.__file__).parent)
TALK = pieces_of("[CALL] a [HEAD] f(x=1) [END] hm. [TRAP] all [END] There.")


@contextmanager
def at_line(number: int, act: Callable[[], object]) -> Iterator[list[str]]:
    """Have this thread do something before the line of this number that it comes to in our code."""
    met: list[str] = []

    def look(frame: FrameType, event: str, _: object) -> object:
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        if event == "line":
            met.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
            if len(met) == number:
                act()
        return look

    sys.settrace(look)
    try:
        yield met
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("number", range(1, 60))
def test_what_a_signal_adds_is_done_too_and_nothing_twice(number: int) -> None:
    done: list[str] = []
    strand = Strand(at_once, lambda: None)
    with at_line(number, lambda: strand.add(lambda: done.append("signal"))) as met:
        strand.add(lambda: done.append("first"))
        strand.add(lambda: done.append("second"))
    came = ["signal"] * (len(met) >= number)
    assert sorted(done) == sorted(["first", "second", *came])
    assert done.index("first") < done.index("second")


@tries(60)
@given(st.integers(1, 3_000))
def test_a_signal_that_closes_leaves_a_trace_without_faults(number: int) -> None:
    """What is under way ends with it, or breaks off there; an instant that is being taken may be the last."""
    kept = Kept()
    before: list[int] = []

    def closes() -> None:
        runtime.close()
        before.append(len(kept.rows))

    runtime = Runtime(
        ScriptedSession(TALK), {"f": lambda x: x}, decoder="at once", journal=kept, patience_s=0
    )
    told = "Embed/shutdown"
    with at_line(number, closes):
        try:
            for _ in runtime.run():
                pass
        except HostError as error:
            told = str(error)
    runtime.close()
    assert "Embed/shutdown" in told
    assert {each.rule for each in kept.diagnostics} <= {"Trace/unfinished"}
    after = [row.at_us for count in before for row in kept.rows[count:]]
    assert len(set(after)) <= 1
