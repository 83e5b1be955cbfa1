"""The core of the realtime driver, an instant at a time: what it takes, refuses, and has done (chapter 5)."""

import threading
import time
from concurrent.futures import Future
from functools import partial

import pytest
from letting_go import LettingGo
from realtime_bench import Bench, rules

from cml.symbols import Symbol
from interpreter import EndOfDecoding, HostError, ScriptedSession, Settings
from interpreter.drivers.arrivals import Arrivals
from interpreter.drivers.driver import forget, monotonic_us
from interpreter.events import Began, Decoded, Ended, Expired, Returned, Said, Stopped, failure
from interpreter.journals import past_of
from interpreter.session import RESTORE, Batch
from interpreter.tools.declared import tool
from interpreter.trace import Header

CALL = "[CALL] a [HEAD] f() [END]"
OTHER = "[CALL] b [HEAD] f() [END]"
TRAP = "[TRAP][END]"
STOP = EndOfDecoding("stop")
SECOND_US = 1_000_000
BROKEN = "something that an earlier row names was not done"


def refused(clause: str, act, *words: object) -> str:
    with pytest.raises(HostError) as found:
        act(*words)
    assert found.value.clause == clause
    return str(found.value)


# ------------------------------------------------------------------------------------- what it is given


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"functions": [len]}, "functions are a mapping"),
        ({"settings": {}}, "settings are interpreter.Settings"),
    ],
    ids=str,
)
def test_what_it_is_given_is_looked_at(words, told) -> None:
    with pytest.raises(TypeError, match=told):
        Bench(**words)


def test_settings_out_of_bounds_and_functions_that_are_none_are_refused() -> None:
    with pytest.raises(HostError):
        Bench(settings=Settings(workers=-1))
    with pytest.raises(HostError):
        Bench(functions={"f": 3})


def test_what_functions_say_is_in_the_settings() -> None:
    @tool(deadline_s=3)
    def f() -> int:
        return 1

    settings = Bench(functions={"f": f, "g": len}, settings=Settings(workers=3)).driver.settings
    assert settings.functions == ("f", "g")
    assert settings.deadlines_us == {"f": 3 * SECOND_US}
    assert settings.workers == 3


def test_a_clock_that_never_goes_back_and_a_journal_that_keeps_nothing() -> None:
    before_us, now_us, after_us = time.monotonic_ns() // 1_000, monotonic_us(), monotonic_us()
    assert before_us <= now_us <= after_us <= time.monotonic_ns() // 1_000
    assert forget([]) is None


# ------------------------------------------------------------------------------------------- instants


def test_rows_are_written_then_done_then_told() -> None:
    told: list[str] = []
    session = ScriptedSession(["a"])

    bench = Bench(
        session,
        write=lambda _: told.append(f"written with {session.context!r}"),
        see=lambda _: told.append(f"told with {session.context!r}"),
    )
    bench.driver.begin()
    assert told == ["written with ''", "told with 'a'"]


def test_a_turn_is_a_row_for_each_thing_that_happens() -> None:
    bench = Bench(["a", "b"])
    rows = bench.turn()
    assert rules(rows) == ["Step/begin", "Step/text", "Step/text", "Step/end"]
    assert bench.journal == bench.seen
    assert [row for each in bench.journal for row in each] == rows
    assert bench.driver.is_over
    assert bench.session.context == "ab"


def test_times_are_since_the_session_was_made_and_no_two_instants_have_the_same() -> None:
    bench = Bench(["a", "b", "c"], now_us=5_000)
    assert {row.at_us for row in bench.driver.begin()} == {1}
    assert {row.at_us for row in bench.driver.take()} == {2}
    bench.now_us = 5_700
    assert {row.at_us for row in bench.driver.take()} == {700}
    bench.now_us = 5_100
    assert {row.at_us for row in bench.driver.take()} == {701}


def test_what_comes_together_is_taken_in_the_order_of_time() -> None:
    bench = Bench(["a", "b"])
    bench.driver.begin()
    bench.driver.put(Said("hi"))
    assert rules(bench.driver.take()) == ["Step/message", "Step/text"]
    bench.driver.put(Stopped())
    bench.driver.put(Said("ho"))
    assert rules(bench.driver.take()) == ["Step/message", "Step/text", "Step/stop"]


def test_where_nothing_has_come_nothing_is_written() -> None:
    bench = Bench([CALL, TRAP])
    bench.turn()
    written = len(bench.journal)
    assert bench.driver.take() == []
    bench.driver.put(None)
    assert bench.driver.take() == []
    assert len(bench.journal) == len(bench.seen) == written


def test_who_takes_is_not_told_of_what_it_brings_itself() -> None:
    bench = Bench(["a", "b"])
    told: list[str] = []
    with bench.driver.arrivals.told_to(lambda: told.append("")):
        bench.turn()
        assert told == []
        bench.driver.put(None)
        assert told == [""]
    bench.driver.put(None)
    assert told == [""]


def test_who_waited_before_takes_nothing_from_who_waits_now() -> None:
    arrivals, told = Bench(["a"]).driver.arrivals, []
    before = arrivals.told_to(lambda: told.append("before"))
    before.__enter__()
    with arrivals.told_to(lambda: told.append("now")):
        before.__exit__(None, None, None)
        arrivals.put(None)
    arrivals.put(None)
    assert told == ["now"]


def test_after_the_end_only_a_beginning_is_taken() -> None:
    bench = Bench(["a", STOP, "b"])
    bench.turn()
    refused("Embed/shutdown", bench.driver.take)
    refused("Embed/shutdown", bench.driver.take, Stopped())
    assert rules(bench.driver.take(Began())) == ["Step/begin"]


def test_what_was_not_written_is_not_done_and_nothing_follows() -> None:
    written: list[object] = []

    def fails_once(rows) -> None:
        written.append(rows)
        if len(written) == 2:
            raise OSError(28, "No space left on device")

    bench = Bench([CALL, TRAP], write=fails_once)
    bench.driver.begin()
    with pytest.raises(OSError, match="No space"):
        bench.driver.take()
    assert BROKEN in refused("Embed/effects", bench.driver.take)
    assert BROKEN in refused("Embed/effects", bench.driver.begin)
    bench.driver.end_turn()
    assert len(written) == 2


# --------------------------------------------------------------------------------------------- effects


def test_what_a_call_returns_goes_in_and_is_waited_for() -> None:
    bench = Bench([CALL, TRAP, "so"])
    assert rules(bench.turn())[-1] == "Step/trap"
    assert [start.call for start in bench.starts] == ["a"]
    assert rules(bench.returns())[0] == "Step/return"
    assert bench.session.context == f"{CALL}{TRAP}[INTR] a [HEAD] 1 [END]so"
    assert bench.driver.is_over
    assert bench.driver.ending == "stop"


def test_what_is_taken_back_leaves_the_context() -> None:
    bench = Bench(["ok [CALL] a [HEAD] f(1"])
    bench.turn()
    assert "[CALL]" not in bench.session.context
    assert bench.session.context.startswith("ok ")


def test_a_call_is_asked_to_stop_where_the_model_cancels_it() -> None:
    bench = Bench([CALL, "[CALL] c [HEAD] cancel(a) [END]", TRAP])
    bench.turn()
    assert bench.held.futures[0].cancelled()


def test_a_turn_that_is_stopped_leaves_nothing_that_was_begun_to_the_next() -> None:
    bench = Bench(["one ", "\\", "[CALL]"])
    bench.driver.begin()
    bench.driver.take()
    bench.driver.stop()
    assert rules(bench.driver.take()) == ["Step/text", "Step/stop"]
    assert bench.session.context == "one \\"
    assert rules(bench.turn())[:2] == ["Step/begin", "Step/open"]


# --------------------------------------------------------------------------------------------- stopping


def test_a_stop_ends_the_turn_and_another_begins() -> None:
    bench = Bench(["a", "b", "c"])
    bench.driver.begin()
    assert not bench.driver.is_stopping
    bench.driver.stop()
    assert bench.driver.is_stopping
    assert rules(bench.driver.take())[-1] == "Step/stop"
    assert bench.driver.is_over
    assert bench.driver.ending == "stopped"
    rows = bench.turn()
    assert not bench.driver.is_stopping
    assert rules(rows)[0] == "Step/begin"
    assert "Step/stop" not in rules(rows)


def test_a_stop_that_came_before_the_first_turn_ends_it() -> None:
    bench = Bench(["a"])
    bench.driver.stop()
    assert rules(bench.driver.begin()) == ["Step/begin", "Step/stop"]


def test_what_the_last_turn_still_has_done_keeps_no_turn_from_beginning() -> None:
    acts: list[object] = []
    bench = Bench([CALL, STOP, "b"], settings=Settings(end="cancel"), submit=Later(acts))
    bench.driver.begin()
    while not bench.driver.is_over:
        acts.pop(0)()
        bench.driver.take()
    assert bench.driver.verbs_done() is not None
    assert rules(bench.driver.begin()) == ["Step/begin", "Step/late"]


def test_a_stop_that_came_too_late_stops_nothing() -> None:
    bench = Bench(["a", STOP, "b"])
    bench.turn()
    bench.driver.stop()
    assert "Step/stop" not in rules(bench.turn())


def test_a_step_that_does_not_end_lets_no_turn_begin() -> None:
    later: list[object] = []
    bench = Bench(["a"], submit=Later(later))
    bench.driver.begin()
    bench.driver.stop()
    bench.driver.take()
    refused("Embed/stop", bench.driver.begin)
    for act in later:
        act()
    assert rules(bench.driver.begin())[0] == "Step/begin"


class Later:
    """An executor of verbs that does them when a test says so."""

    def __init__(self, acts: list[object]) -> None:
        self.submit = acts.append


def test_a_turn_is_stopped_as_the_session_is_closed() -> None:
    bench = Bench(["a", "b"])
    bench.driver.begin()
    bench.driver.end_turn()
    assert bench.driver.is_stopping
    assert rules(bench.journal[-1])[-1] == "Step/stop"
    written = len(bench.journal)
    bench.driver.end_turn()
    assert len(bench.journal) == written


@pytest.mark.parametrize("turns", [0, 1])
def test_where_no_turn_is_under_way_none_is_stopped(turns) -> None:
    bench = Bench(["a"])
    for _ in range(turns):
        bench.turn()
    written = len(bench.journal)
    bench.driver.end_turn()
    assert len(bench.journal) == written
    assert bench.driver.is_stopping  # nobody waits without end for what the last one still has done


def test_a_session_that_is_closed_takes_and_begins_nothing_and_wakes_who_waits() -> None:
    bench = Bench([CALL, TRAP])
    bench.turn()
    bench.driver.close(0)
    assert bench.held.futures[0].cancelled()
    refused("Embed/shutdown", bench.driver.take)
    refused("Embed/shutdown", bench.driver.begin)
    bench.driver.end_turn()
    idle = Bench(["a"])
    idle.driver.close(0)
    assert not idle.driver.arrivals.is_empty


# ------------------------------------------------------------------------------------------- beginning


def test_a_turn_begins_when_the_one_before_it_is_over() -> None:
    bench = Bench(TakesNoPrompts([CALL, TRAP]), most_waiting=1)
    bench.turn()
    refused("Embed/begin", bench.driver.begin)
    refused("Embed/begin", bench.driver.begin, "And?")
    bench.driver.say(Said("nothing else waits to be told"))


class TakesNoPrompts(ScriptedSession):
    abilities = frozenset({RESTORE})


def test_a_prompt_goes_in_as_the_session_takes_it_or_as_a_message() -> None:
    bench = Bench(["a"])
    assert bench.turn("Hi.")[0].event == Began("Hi.")
    assert bench.session.context == "Hi.a"
    bench = Bench(TakesNoPrompts(["a"]))
    rows = bench.turn("Hi.")
    assert Said("Hi.") in [row.event for row in rows]
    assert '[INTR] user1 [HEAD] "Hi." [END]' in bench.session.context


def test_where_nothing_is_asked_nothing_is_told() -> None:
    asked: list[str] = []

    class Asked(ScriptedSession):
        def prompt(self, text: str) -> int:
            asked.append(text)
            return super().prompt(text)

    Bench(Asked(["a"])).turn()
    assert asked == []
    assert "Step/message" not in rules(Bench(TakesNoPrompts(["a"])).turn())


def test_a_prompt_that_is_none_leaves_what_has_happened_where_it_is() -> None:
    bench = Bench(["a", STOP, "b"])
    bench.turn()
    bench.driver.put(Said("hello"))
    refused("Embed/prompt", bench.driver.begin, "\ud83d")
    assert bench.driver.arrivals.has_message()
    assert "Step/message" in rules(bench.turn())


def test_what_a_verb_raises_is_raised_and_no_turn_begins() -> None:
    class Breaks(ScriptedSession):
        def append(self, batch: Batch) -> int:
            raise ConnectionError("the server is gone")

    bench = Bench(Breaks(["a"]))
    bench.driver.raise_failure()
    bench.driver.begin("Hi.")
    assert bench.session.context == ""  # nothing is decoded after what was not done
    assert not bench.driver.arrivals.is_empty
    with pytest.raises(ConnectionError):
        bench.driver.raise_failure()
    assert BROKEN in refused("Embed/effects", bench.driver.begin)
    written = len(bench.journal)
    bench.driver.end_turn()
    assert len(bench.journal) == written


# -------------------------------------------------------------------------------------------- messages


def test_so_many_messages_may_wait_to_be_told() -> None:
    bench = Bench([CALL, TRAP, "[CALL] b [HEAD] f(", ")[END]"], most_waiting=2)
    bench.driver.say(Said("one"))
    bench.driver.say(Said("two"))
    assert "say this one later" in refused("Embed/full", bench.driver.say, Said("three"))
    bench.turn()
    bench.driver.say(Said("three"))
    bench.driver.say(Said("four"))
    refused("Embed/full", bench.driver.say, Said("five"))


def test_a_message_in_the_queue_waits_and_a_result_there_is_none() -> None:
    bench = Bench([CALL, OTHER, "[CALL]", " c", " [HEAD]", " f()", " [END]"], most_waiting=2)
    bench.driver.begin()
    while "Step/open" not in rules(bench.journal[-1]) or len(bench.starts) < 2:
        bench.driver.take()
    for number in range(2):
        bench.held.run(number)
    bench.driver.say(Said("one"))
    arrived = ["Step/message", "Step/return", "Step/return", "Step/inside"]
    assert rules(bench.driver.take()) == arrived
    bench.driver.say(Said("two"))
    refused("Embed/full", bench.driver.say, Said("three"))


def test_a_message_that_cannot_be_told_is_refused_and_counts_for_none() -> None:
    bench = Bench(["a"], most_waiting=1)
    for said in (Said("\ud83d"), Said("x", "1 bad name"), Said("x", hops=3)):
        refused("Embed/message", bench.driver.say, said)
    bench.driver.say(Said("one"))
    assert "Step/message" in rules(bench.turn())


# ------------------------------------------------------------------------------- cancelling, deadlines


def test_the_host_cancels_a_call_that_runs() -> None:
    bench = Bench([CALL, TRAP])
    assert bench.driver.cancel("a") is False
    bench.turn()
    assert bench.driver.cancel("b") is False
    assert bench.driver.cancel("a") is True
    assert bench.held.futures[0].cancelled()
    rows = bench.rest()
    assert rules(rows)[0] == "Step/return"
    assert "[INTR] a cancelled [HEAD]" in bench.session.context
    assert bench.driver.cancel("a") is False


def test_a_call_that_cannot_be_broken_off_is_settled_all_the_same() -> None:
    bench = Bench([CALL, TRAP, "so"])
    bench.turn()
    bench.held.futures[0].set_running_or_notify_cancel()
    assert bench.driver.cancel("a") is True
    assert rules(bench.rest())[0] == "Step/return"
    assert "[INTR] a cancelled [HEAD]" in bench.session.context


def test_a_deadline_comes_when_it_is_due_and_both_of_two_at_once() -> None:
    bench = Bench(
        [CALL, OTHER, "[TRAP] all [END]"], settings=Settings(deadlines_us={"f": SECOND_US})
    )
    bench.turn()
    last_us = max(start.deadline_us for start in bench.starts)
    assert len(bench.starts) == 2
    bench.now_us = 1_000 + last_us - SECOND_US // 2
    assert bench.driver.take() == []
    bench.now_us = 1_000 + last_us
    rows = bench.driver.take()
    assert [row.event for row in rows if isinstance(row.event, Expired)] == [
        Expired("a"),
        Expired("b"),
    ]
    assert [bool(future.cancelled()) for future in bench.held.futures] == [True, True]


def test_one_waits_until_the_first_deadline() -> None:
    deadlines = Settings(deadlines_us={"f": 10 * SECOND_US, "g": 2 * SECOND_US})
    functions = {"f": lambda: 1, "g": lambda: 2}
    bench = Bench([CALL, "[CALL] b [HEAD] g() [END]", TRAP], functions, deadlines)
    assert bench.driver.patience_s == 3_600
    bench.turn()
    [first_us] = [start.deadline_us for start in bench.starts if start.function == "g"]
    bench.now_us = 1_000 + first_us - SECOND_US
    assert bench.driver.patience_s == 1.0
    bench.now_us = 1_000 + first_us + SECOND_US
    assert bench.driver.patience_s == 0.0


def test_nobody_waits_longer_than_an_hour() -> None:
    bench = Bench([CALL, TRAP], settings=Settings(deadlines_us={"f": 90_000 * SECOND_US}))
    bench.turn()
    assert bench.driver.patience_s == 3_600


# -------------------------------------------------------------------------------------- letting go


def test_a_session_lets_go_at_a_trap_and_is_looked_at_again_when_it_wants() -> None:
    settings = Settings(deadlines_us={"f": SECOND_US}, estimates_us={"f": SECOND_US})
    session = LettingGo([CALL, TRAP, "so"], again_us=500)
    bench = Bench(session, settings=settings)
    bench.turn()
    assert len(session.waits_us) == 1
    assert session.waits_us[0] is not None
    assert bench.driver.patience_s == 0.0005
    assert bench.driver.verbs_done() is None
    bench.now_us += 499
    assert bench.driver.take() == []
    assert len(session.waits_us) == 1
    bench.now_us += 1
    assert bench.driver.take() == []
    assert len(session.waits_us) == 2
    bench.returns()
    assert session.elsewhere is None
    assert session.context.endswith("so")


def test_a_session_that_is_woken_before_it_has_let_go_keeps_its_context() -> None:
    acts: list[object] = []
    session = LettingGo([CALL, TRAP, "so"], again_us=None)
    bench = Bench(session, submit=Later(acts))
    bench.driver.begin()
    while not any("Step/trap" in rules(rows) for rows in bench.journal):
        acts.pop(0)()
        bench.driver.take()
    assert acts
    bench.held.run()
    bench.driver.take()
    while not bench.driver.is_over:
        acts.pop(0)()
        bench.driver.take()
    assert session.waits_us == []
    assert session.context.endswith("so")


def test_a_session_that_would_be_asked_again_at_once_is_asked_a_moment_later() -> None:
    bench = Bench(LettingGo([CALL, TRAP, "so"], again_us=0))
    bench.turn()
    assert bench.driver.patience_s == 1e-6
    bench.returns()
    assert bench.driver.patience_s == 3_600


def test_a_verb_that_is_being_done_is_waited_for() -> None:
    later: list[object] = []
    bench = Bench(["a"], submit=Later(later))
    assert bench.driver.verbs_done() is None
    bench.driver.begin()
    done = bench.driver.verbs_done()
    assert not done.done()
    for act in later:
        act()
    assert done.done()
    assert bench.driver.verbs_done() is None


def test_verbs_that_nobody_does_any_more_are_told() -> None:
    class ShutDown:
        def submit(self, act) -> None:
            raise RuntimeError("cannot schedule new futures after shutdown")

    told = refused("Embed/shutdown", Bench(["a"], submit=ShutDown()).driver.begin)
    assert told.startswith("the session was closed while it ran: cannot schedule")


@pytest.mark.parametrize("raised", [None, RuntimeError("no thread could be had")])
def test_verbs_that_are_dropped_are_told_and_nobody_waits_for_them(raised) -> None:
    class Drops:
        def submit(self, act) -> Future:
            return future

    future: Future[None] = Future()
    bench = Bench(["a"], submit=Drops())
    bench.driver.begin()
    done = bench.driver.verbs_done()
    assert not done.done()
    bench.driver.raise_failure()
    if raised:
        future.set_exception(raised)
    else:
        future.cancel()
    assert done.done()
    assert not bench.driver.arrivals.is_empty
    told = refused("Embed/shutdown", bench.driver.raise_failure)
    assert told.startswith("the session was closed while it ran: its decoder dropped what it had")
    assert bench.session.context == ""


def test_a_prompt_that_a_session_does_not_take_stands_in_the_trace_alone() -> None:
    bench = Bench(TakesNoPrompts(["a"]))
    assert rules(bench.driver.take(Began("Hi."))) == ["Step/begin"]
    assert bench.session.context == "a"


# -------------------------------------------------------------------------------------- what has come

HAVE_COME = (Said("one"), Returned("a", failure("x", "y")), Said("two"))


def arrivals(*events) -> Arrivals:
    come = Arrivals()
    for event in events:
        come.put(event)
    return come


def test_only_the_last_who_asked_is_told_whenever_the_one_before_leaves() -> None:
    come, told = Arrivals(), []
    first, second = (come.told_to(partial(told.append, name)) for name in ("first", "second"))
    come.put(None)
    with second:
        with first:
            come.put(None)
        come.put(None)
    first, second = (come.told_to(partial(told.append, name)) for name in ("first", "second"))
    first.__enter__()
    with second:
        first.__exit__(None, None, None)
        come.put(None)
    come.put(None)
    assert told == ["first", "second"]


def test_who_looks_for_a_message_takes_nothing() -> None:
    come = arrivals(*HAVE_COME)
    assert come.has_message()
    assert come.take() == list(HAVE_COME)
    assert not arrivals(HAVE_COME[1], None).has_message()


def test_to_be_stopped_twice_is_to_be_stopped_last() -> None:
    come = arrivals(Stopped(), HAVE_COME[0], Stopped(), None)
    assert come.take(HAVE_COME[1]) == [HAVE_COME[1], HAVE_COME[0], Stopped()]
    assert come.is_empty


def test_what_belongs_to_a_turn_that_is_over_is_dropped() -> None:
    stale = (Decoded(Symbol("x", 0)), Ended("stop"), Stopped(), None)
    come = arrivals(*stale, HAVE_COME[0], *stale, HAVE_COME[1])
    come.drop_stale()
    assert come.take() == list(HAVE_COME[:2])


def test_one_waits_for_what_comes_and_no_longer_than_one_likes() -> None:
    waited: list[object] = []
    come = arrivals(HAVE_COME[0])
    waiting = threading.Thread(
        target=lambda: waited.extend([come.wait(0.001), come.wait(0.001)]), daemon=True
    )
    waiting.start()
    waiting.join(5)
    assert waited == [HAVE_COME[0], None]


# ------------------------------------------------------------------------------------ from its trace

SCRIPT = ["x", CALL, OTHER, TRAP, "so"]


def often() -> str:
    return "often"


OFTEN = tool(idempotent=True)(often)


def rows_so_far(functions, settings, until: str, script=SCRIPT) -> tuple[Settings, list]:
    """Settings and rows of a session that breaks off after the first row of this rule."""
    bench = Bench(script, functions, settings)
    rows = bench.turn()
    last = next(number for number, row in enumerate(rows) if row.rule == until)
    return bench.driver.settings, rows[: last + 1]


def resumed(until: str, functions=None, settings=None, now_us: int = 9_000) -> Bench:
    functions = functions or {"f": OFTEN}
    made, rows = rows_so_far(functions, settings, until)
    past = past_of(Header(1, made, "real"), rows)
    bench = Bench(SCRIPT, functions, past=past, now_us=now_us)
    bench.so_far_us = rows[-1].at_us
    return bench


def test_a_session_goes_on_where_its_trace_breaks_off() -> None:
    for until in (
        "Step/begin",
        "Settle/decode",
        "Step/text",
        "Step/call",
        "Settle/start",
        "Step/trap",
    ):
        bench = resumed(until)
        rows = [*bench.driver.begin(), *bench.rest()]
        assert all(row.at_us >= bench.so_far_us for row in rows)
        assert bench.session.context == f"x{CALL}{OTHER}{TRAP}", until
        assert [len(bench.held.calls), len(bench.driver.calls.running)] == [2, 2], until
        for number in range(2):
            bench.held.run(number)
        bench.rest()
        assert bench.session.context.endswith("so"), until
        assert bench.driver.is_over


def test_only_what_may_run_twice_is_started_again() -> None:
    bench = resumed("Step/trap", {"f": lambda: 1})
    bench.driver.begin()
    assert bench.held.calls == []
    rows = bench.rest()
    assert rules(rows)[:2] == ["Step/return", "Step/return"]
    assert bench.session.context.count('"type": "interrupted"') == 2
    assert "died before it returned" in bench.session.context


def test_a_call_that_the_end_of_the_turn_settles_is_not_started_again() -> None:
    settings = Settings(end="cancel")
    made, rows = rows_so_far({"f": OFTEN}, settings, "Step/end", [CALL])
    past = past_of(Header(1, made, "real"), rows)
    bench = Bench([CALL], {"f": OFTEN}, past=past)
    assert len(past.running) == 1
    bench.driver.begin()
    assert bench.held.calls == []
    assert "[INTR] a cancelled [HEAD]" in bench.session.context


def test_a_call_that_is_started_again_has_as_long_as_it_had() -> None:
    settings = Settings(deadlines_us={"f": SECOND_US})
    bench = resumed("Step/trap", settings=settings)
    bench.now_us += 100
    bench.driver.begin()
    assert len(bench.held.calls) == 2
    bench.now_us += SECOND_US - 200
    assert bench.driver.take() == []
    bench.now_us += 100 + bench.so_far_us
    rows = bench.driver.take()
    assert len([row for row in rows if isinstance(row.event, Expired)]) == 2


def test_a_session_whose_trace_has_no_row_begins_its_first_turn() -> None:
    past = past_of(Header(1, Settings(), "real"), [])
    bench = Bench(["a"], past=past)
    assert rules(bench.driver.begin("Hi.")) == ["Step/begin"]
    assert bench.driver.settings == Settings()


def test_a_session_whose_trace_is_over_begins_its_next_turn() -> None:
    bench = Bench(["a"])
    rows = bench.turn()
    past = past_of(Header(1, bench.driver.settings, "real"), rows)
    again = Bench(["a", STOP, "b"], past=past)
    assert rules(again.driver.begin("And?")) == ["Step/begin"]
    again.rest()
    assert again.session.context == "aAnd?b"


def test_no_prompt_is_taken_where_a_turn_is_under_way_in_the_trace() -> None:
    bench = resumed("Step/trap")
    refused("Embed/begin", bench.driver.begin, "And?")
    bench.driver.end_turn()
    assert bench.journal == []
    bench.driver.begin()
    assert bench.driver.calls.running == ("a", "b")
    refused("Embed/begin", bench.driver.begin)


def test_a_session_that_cannot_be_restored_and_functions_that_are_gone_are_told_at_once() -> None:
    settings, rows = rows_so_far({"f": OFTEN}, None, "Step/trap")
    past = past_of(Header(1, settings, "real"), rows)

    class Cannot(ScriptedSession):
        abilities = frozenset()

    refused("Embed/resume", lambda: Bench(Cannot(SCRIPT), past=past))
    told = refused("Embed/resume", lambda: Bench(SCRIPT, {"g": often}, past=past))
    assert told.startswith("these functions are missing, which the trace was made with: f")
    assert Bench(SCRIPT, {"g": often, "f": often}, past=past).driver.settings == settings


def test_messages_that_a_trace_tells_do_not_wait_any_more() -> None:
    bench = Bench(["a"], most_waiting=1)
    bench.driver.say(Said("one"))
    rows = bench.turn()
    past = past_of(Header(1, bench.driver.settings, "real"), rows)
    again = Bench(["a", STOP, "b"], past=past, most_waiting=1)
    again.driver.say(Said("two"))
    refused("Embed/full", again.driver.say, Said("three"))


def test_a_session_that_lets_go_is_resumed_as_its_trace_goes_on() -> None:
    settings = Settings(estimates_us={"f": SECOND_US})
    made, rows = rows_so_far({"f": OFTEN}, settings, "Step/trap")

    class LetsGo(LettingGo):
        abilities = LettingGo.abilities | {RESTORE}

    session = LetsGo(SCRIPT, again_us=None)
    bench = Bench(session, {"f": OFTEN}, past=past_of(Header(1, made, "real"), rows))
    bench.driver.begin()
    assert session.waits_us == [SECOND_US]
