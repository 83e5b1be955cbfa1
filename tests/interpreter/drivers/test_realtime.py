"""The blocking form of the driver: how it waits, and what it has done when it is closed."""

import asyncio
import threading
from itertools import count

import pytest
from stuck_verbs import AT_THE_END, Kept, Never, SlowAtTheEnd, Stuck, at, both, logged

from interpreter import EndOfDecoding, HostError, Runtime, ScriptedSession, Settings
from interpreter.journals.past import past_of
from interpreter.scripted import pieces_of
from interpreter.trace import Header

CALL = "[CALL] a [HEAD] f() [END]"
CALL_AND_TRAP = f"{CALL} [TRAP][END] ok"
STOP = EndOfDecoding("stop")


def test_a_turn_runs_to_its_end_by_the_clock_of_the_host() -> None:
    session, clock = ScriptedSession(pieces_of(CALL_AND_TRAP)), count(5_000_000, 1_000)
    with Runtime(session, {"f": lambda: 1}, clock=lambda: next(clock)) as runtime:
        rows = list(runtime.run())
    assert rows[-1].rule == "Settle/finish"
    assert session.context.endswith("ok")
    assert {row.at_us % 1_000 for row in rows} == {0}
    assert rows[0].at_us == 1_000


def test_a_session_goes_on_from_its_trace() -> None:
    with Runtime(ScriptedSession(["One.", STOP]), {}) as runtime:
        rows = list(runtime.run())
    past = past_of(Header(1, runtime.settings, "real"), rows)
    session = ScriptedSession(["One.", STOP, "Two."])
    with Runtime(session, {}, past=past) as runtime:
        list(runtime.run("And?"))
    assert session.context == "One.And?Two."


def test_what_a_step_raises_is_raised_where_the_session_is_run() -> None:
    class Broken(ScriptedSession):
        def decode(self):
            raise ConnectionError("the server is gone")

    with Runtime(Broken([]), {}) as runtime, pytest.raises(ConnectionError, match="is gone"):
        list(runtime.run())


def test_what_the_last_step_raises_is_raised() -> None:
    class Broken(SlowAtTheEnd):
        def append(self, batch):
            super().append(batch)
            raise ConnectionError("the server is gone")

    session = Broken([CALL, STOP])
    with (
        Runtime(session, {"f": lambda: 1}, AT_THE_END, executor=Never()) as runtime,
        pytest.raises(ConnectionError, match="is gone"),
    ):
        list(runtime.run())


def test_the_last_effect_is_waited_for_however_long_it_takes() -> None:
    session = SlowAtTheEnd([CALL, STOP])
    with Runtime(session, {"f": lambda: 1}, AT_THE_END, Never(), patience_s=0.0) as runtime:
        list(runtime.run())
        assert "[INTR] a cancelled [HEAD]" in session.context


# --------------------------------------------------------------------------------------------- closing


def test_closing_stops_the_turn_and_waits_until_the_context_is_what_the_trace_says() -> None:
    session, kept = Stuck(["one ", "two"]), Kept(())
    runtime = Runtime(session, {}, journal=both(kept, session.lets_go_on), patience_s=60)
    next(runtime.run())
    assert session.begun.wait(60)
    assert runtime.close() == ()
    assert kept.rules[-1] == "Step/stop"
    assert kept.diagnostics == []
    assert (session.goes_on.is_set(), session.context) == (True, "")


def test_to_leave_the_block_is_to_close() -> None:
    with Runtime(ScriptedSession(["one ", "two"]), {}) as runtime:
        next(runtime.run())
    with pytest.raises(HostError, match="Embed/shutdown"):
        next(runtime.run())


def test_a_step_that_does_not_end_is_left_behind_and_told_once() -> None:
    session = Stuck(["one"])
    runtime = Runtime(session, {}, patience_s=0.1)
    next(runtime.run())
    assert session.begun.wait(60)
    with logged() as told:
        runtime.close()
        runtime.close()
    session.goes_on.set()
    assert told == ["a step of the session does not end and is left behind"]


def test_the_last_effect_of_a_turn_that_is_over_keeps_nobody_from_closing() -> None:
    session = SlowAtTheEnd([CALL, STOP])
    session.held = threading.Event()
    with Runtime(session, {"f": int}, AT_THE_END, Never(), patience_s=0.1) as runtime:
        for row in runtime.run():
            if row.rule == "Settle/finish":
                break
    session.held.set()


def test_closing_cancels_calls_and_tells_who_says_something_and_ends_threads() -> None:
    before = {*threading.enumerate()}
    runs, ended = threading.Event(), threading.Event()

    async def f() -> None:
        try:
            runs.set()
            await asyncio.sleep(600)
        finally:
            ended.set()

    runtime = Runtime(ScriptedSession([CALL]), {"f": f}, Settings(end="detach"))
    list(runtime.run())
    message = runtime.say("hello?")
    assert runs.wait(60)
    assert runtime.close() == ()
    assert ended.is_set()
    with pytest.raises(HostError, match="Embed/shutdown"):
        message.went_in.result(0)
    for thread in {*threading.enumerate()} - before:
        thread.join(30)
        assert not thread.is_alive()


def test_a_call_that_still_runs_is_named() -> None:
    gate = threading.Event()
    runtime = Runtime(ScriptedSession([CALL]), {"f": gate.wait}, Settings(end="detach"))
    list(runtime.run())
    assert runtime.close() == ("a",)
    gate.set()


def test_who_reads_on_while_another_thread_closes_is_told() -> None:
    trapped, gate = threading.Event(), threading.Event()
    told: list[object] = []

    def read() -> None:
        try:
            list(runtime.run())
        except HostError as error:
            told.append(error.clause)

    runtime = Runtime(
        ScriptedSession([CALL_AND_TRAP]), {"f": gate.wait}, journal=at("Step/trap", trapped.set)
    )
    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    assert trapped.wait(60)
    runtime.close()
    reading.join(60)
    gate.set()
    assert told == ["Embed/shutdown"]
