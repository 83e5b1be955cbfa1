"""A signal comes between any two steps of its thread, so also where that holds a lock or takes an instant."""

import sys
import threading
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
from interpreter.journals.past import past_of
from interpreter.scripted import pieces_of
from interpreter.trace import Header

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


def closed_at(number: int, kept: Kept, runtime: Runtime) -> str:
    """Close a session before some line, and check that nothing comes later; return how its turn ended."""
    before: list[int] = []

    def closes() -> None:
        runtime.close()
        before.append(len(kept.rows))

    told = "Embed/shutdown"
    with at_line(number, closes):
        try:
            for _ in runtime.run():
                pass
        except HostError as error:
            told = str(error)
    runtime.close()
    after = [row.at_us for count in before for row in kept.rows[count:]]
    assert len(set(after)) <= 1
    return told


@tries(60)
@given(st.integers(1, 3_000))
def test_a_signal_that_closes_leaves_a_trace_without_faults(number: int) -> None:
    """What is under way ends with it, or breaks off there; an instant that is being taken may be the last."""
    kept, functions = Kept(), {"f": lambda x: x}
    runtime = Runtime(
        ScriptedSession(TALK), functions, decoder="at once", journal=kept, patience_s=0
    )
    assert "Embed/shutdown" in closed_at(number, kept, runtime)
    assert {each.rule for each in kept.diagnostics} <= {"Trace/unfinished"}


@tries(60)
@given(st.integers(1, 1_500))
def test_so_does_one_that_closes_a_session_which_goes_on_from_its_trace(number: int) -> None:
    gate, before, kept = threading.Event(), Kept(), Kept()
    with Runtime(
        ScriptedSession(TALK), {"f": lambda x: gate.wait(60)}, decoder="at once", journal=before
    ) as broken:
        next(row for row in broken.run() if row.rule == "Step/trap")
        past = past_of(Header(1, broken.settings, "real"), [*before.rows])
        gate.set()
    runtime = Runtime(
        ScriptedSession(TALK),
        {"f": lambda x: x},
        decoder="at once",
        journal=kept,
        patience_s=0,
        past=past,
    )
    assert "Embed/shutdown" in closed_at(number, kept, runtime)
    times = [row.at_us for row in kept.rows]
    assert times == sorted(times)
