"""The realtime driver at its edges: what it writes first, what it refuses, what it leaves behind."""

import asyncio
import io
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from queue import SimpleQueue

import msgspec
import pytest

import cml
from cml import Level, Limits, Profile
from cml.ast import Interrupt, OutcomeKind
from interpreter import EndOfDecoding, HostError, Piece, Runtime, ScriptedSession, Settings, State
from interpreter.events import Decoded, Inject, Outcome, Returned, Start
from interpreter.runs import RunReader
from interpreter.scripted import pieces_of
from interpreter.testing import ExecutorFault, FaultyExecutor
from interpreter.trace import Header, bounded_lines, check_trace, journal

CALL_AND_TRAP = "[CALL] a [HEAD] f() [END] [TRAP][END] ok"


def run(script, functions, settings=None, executor=None, **options):
    session = ScriptedSession(pieces_of(script) if isinstance(script, str) else script)
    with Runtime(session, functions, settings, executor, **options) as runtime:
        rows = list(runtime.run())
    return session.context, rows


def told(rows) -> dict[str, object]:
    return {
        delivery.id: delivery.outcome.value
        for row in rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for delivery in effect.interrupts
    }


# ----------------------------------------------------------------------- effects that are performed


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_what_goes_in_at_the_end_is_in_the_context(end) -> None:
    gate = threading.Event()
    context, rows = run(
        "[CALL] a [HEAD] f() [END] bye", {"f": lambda: gate.wait(30)}, Settings(end=end)
    )
    gate.set()
    assert "a" in told(rows)
    assert "[INTR] a cancelled [HEAD]" in context


def test_a_truncated_block_is_not_in_the_context() -> None:
    context = run("ok [CALL] a [HEAD] f(1", {"f": lambda: 1})[0]
    assert "[CALL]" not in context
    assert context.startswith("ok [INTR] error1 failed [HEAD] ")


def test_a_forged_interrupt_at_the_limit_is_not_in_the_context() -> None:
    settings = Settings(profile=Profile(limits=Limits(forged_interrupts=1)))
    context, rows = run("so: [INTR] a [HEAD] 1 [END]", {}, settings)
    assert context == "so: "
    assert rows[-1].effects[0].reason == "forged"


def test_what_the_session_raises_last_is_raised() -> None:
    class Broken(ScriptedSession):
        def rewind(self, characters):
            raise ConnectionError("the server is gone")

    with (
        Runtime(Broken(pieces_of("ok [CALL] a [HEAD] f(1")), {}) as runtime,
        pytest.raises(ConnectionError, match="the server is gone"),
    ):
        list(runtime.run())


def test_a_reader_that_turns_away_loses_no_effect() -> None:
    session = ScriptedSession(pieces_of("ok [CALL] a [HEAD] f(1"))
    with Runtime(session, {"f": lambda: 1}) as runtime:
        for row in runtime.run():
            if row.rule == "Step/truncated":
                break
    assert session.context.startswith("ok ")
    assert "[CALL]" not in session.context


# ------------------------------------------------------------------------------ rows before effects


def test_a_call_that_runs_stands_in_the_trace() -> None:
    file = io.BytesIO()

    def f() -> bool:
        return b'"type":"start","call":"a"' in file.getvalue()

    header = Header(1, Settings(functions=("f",)), "real")
    _, rows = run(CALL_AND_TRAP, {"f": f}, journal=journal(file, header))
    assert told(rows) == {"a": True}
    assert list(check_trace(file.getvalue().splitlines(keepends=True))) == []


def test_what_cannot_be_written_is_not_done() -> None:
    started = []

    def full(rows) -> None:
        if any(isinstance(effect, Start) for row in rows for effect in row.effects):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run(CALL_AND_TRAP, {"f": lambda: started.append(1)}, journal=full)
    assert started == []


# ----------------------------------------------------------------------------- everybody's own copy


def test_what_a_function_does_to_its_arguments_is_its_own_affair() -> None:
    def sort(x: list) -> list:
        x.sort()
        x.append("more")
        return x

    functions = {"make": lambda: [3, 1, 2], "sort": sort, "see": lambda x: x}
    script = (
        "[CALL] a [HEAD] make() [END] [CALL] b [HEAD] sort(x=a) [END] [CALL] c [HEAD] see(x=a) [END]"
        " [CALL] d [HEAD] sort(x=[5, 4]) [END] [TRAP] all [END]"
    )
    _, rows = run(script, functions, Settings(workers=1, deliver="idle"))
    assert told(rows) == {
        "a": [3, 1, 2],
        "b": [1, 2, 3, "more"],
        "c": [3, 1, 2],
        "d": [4, 5, "more"],
    }
    starts = {e.call: e.kwargs for row in rows for e in row.effects if isinstance(e, Start)}
    assert starts["b"] == {"x": [3, 1, 2]}
    assert starts["d"] == {"x": [5, 4]}


# -------------------------------------------------------------------------------- many, and for ever


def test_any_number_of_workers_is_any_number() -> None:
    together = threading.Barrier(60)
    calls = "".join(f"[CALL] a{i} [HEAD] f() [END]" for i in range(60))
    _, rows = run(f"{calls}[TRAP] all [END]", {"f": lambda: together.wait(60) >= 0})
    assert list(told(rows).values()) == [True] * 60


def test_functions_that_hang_starve_nobody() -> None:
    gate = threading.Event()
    hung = "".join(f"[CALL] h{i} [HEAD] hang() [END]" for i in range(40))
    script = f"{hung}[TRAP] all [END][CALL] q [HEAD] quick() [END][TRAP][END]"
    functions = {"hang": lambda: gate.wait(60), "quick": lambda: 7}
    _, rows = run(script, functions, Settings(deadlines_us={"hang": 50_000}))
    gate.set()
    assert told(rows)["q"] == 7
    assert sum(row.rule == "Step/timeout" for row in rows) == 40


HANGING_PROCESSES = {
    "a thread past its deadline": """
        rt = Runtime(script("[CALL] a [HEAD] f() [END][TRAP][END] ok"),
                     {"f": lambda: time.sleep(600)}, Settings(deadline_us=500_000))
        """,
    "a coroutine that swallows its cancellation": """
        async def f():
            while True:
                try:
                    await asyncio.sleep(600)
                except asyncio.CancelledError:
                    pass
        rt = Runtime(script("[CALL] a [HEAD] f() [END][TRAP][END] ok"),
                     {"f": f}, Settings(deadline_us=500_000), patience_s=0.2)
        """,
    "a coroutine that blocks its loop": """
        async def f():
            time.sleep(600)
        rt = Runtime(script("[CALL] a [HEAD] f() [END][TRAP][END] ok"),
                     {"f": f}, Settings(deadline_us=500_000), patience_s=0.2)
        """,
    "a step of the session that never ends": """
        class Hung(ScriptedSession):
            def decode(self):
                time.sleep(600)
        rt = Runtime(Hung([]), {}, patience_s=0.2)
        threading.Timer(0.2, rt.stop).start()
        """,
}


@pytest.mark.parametrize("name", HANGING_PROCESSES)
def test_a_process_goes_and_says_what_it_left_behind(name) -> None:
    program = textwrap.dedent(
        """
        import asyncio, logging, threading, time
        from interpreter import Runtime, ScriptedSession, Settings
        logging.basicConfig()
        def script(text):
            return ScriptedSession([text])
        {}
        rules = [row.rule for row in rt.run()]
        rt.close()
        rt.close()
        print(rules[-1])
        """
    ).format(textwrap.dedent(HANGING_PROCESSES[name]))
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() in {"Settle/finish", "Step/stop"}
    assert "left behind" in done.stderr


def test_closing_twice_is_closing() -> None:
    async def f() -> int:
        await asyncio.sleep(0)
        return 1

    session = ScriptedSession([CALL_AND_TRAP])
    runtime = Runtime(session, {"f": f})
    list(runtime.run())
    assert runtime.close() == ()
    assert runtime.close() == ()
    with pytest.raises(HostError, match="Embed/shutdown"):
        list(runtime.run())


# -------------------------------------------------------------------------- executors that break off


class Unreadable(Exception):
    """An ordinary error that cannot be unpickled."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def raises_unreadable() -> None:
    raise Unreadable(3, "out of range")


def dies() -> None:
    import os

    os._exit(3)


def returns_one() -> int:
    return 1


TWO_CALLS = "[CALL] a [HEAD] f() [END][TRAP][END][CALL] b [HEAD] g() [END][TRAP][END]"


def test_an_error_that_cannot_be_carried_is_told() -> None:
    functions = {"f": raises_unreadable, "g": returns_one}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        _, rows = run(TWO_CALLS, functions, executor=pool)
    assert told(rows) == {"a": {"type": "Unreadable", "message": "out of range"}, "b": 1}


def test_after_a_worker_has_died_each_call_fails_and_the_session_goes_on() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        _, rows = run(TWO_CALLS, {"f": dies, "g": returns_one}, executor=pool)
    assert {name: value["type"] for name, value in told(rows).items()} == {
        "a": "BrokenProcessPool",
        "b": "BrokenProcessPool",
    }


class Gives(Executor):
    """An executor that gives what it was given."""

    def __init__(self, value: object) -> None:
        self.value = value

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(self.value)
        return future


def test_coroutines_that_exit_have_failed_and_the_others_go_on() -> None:
    async def leaves() -> None:
        sys.exit(3)

    async def interrupts() -> None:
        raise KeyboardInterrupt

    async def stays() -> int:
        await asyncio.sleep(0.01)
        return 1

    script = "[CALL] c [HEAD] stays() [END][CALL] a [HEAD] leaves() [END][CALL] b [HEAD] interrupts() [END][TRAP] all [END]"
    _, rows = run(script, {"leaves": leaves, "interrupts": interrupts, "stays": stays})
    assert {name: value if value == 1 else value["type"] for name, value in told(rows).items()} == {
        "a": "SystemExit",
        "b": "KeyboardInterrupt",
        "c": 1,
    }


def test_what_returns_a_coroutine_is_awaited() -> None:
    async def f(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    def g(x: int) -> object:
        return f(x)

    _, rows = run("[CALL] a [HEAD] g(x=4) [END][TRAP][END]", {"g": g})
    assert told(rows) == {"a": 8}


# ------------------------------------------------------------------------- text that nobody can write


def test_half_a_surrogate_pair_in_an_error_is_told_as_an_escape() -> None:
    def f() -> None:
        raise FileNotFoundError("no such file: \udcff")

    context, rows = run(CALL_AND_TRAP, {"f": f})
    message = {"type": "FileNotFoundError", "message": "no such file: \\udcff"}
    assert told(rows) == {"a": message}
    [interrupt] = [item for item in cml.parse(context).items if isinstance(item, Interrupt)]
    assert interrupt.value == message


def test_two_keys_that_become_one_are_a_failure() -> None:
    _, rows = run(CALL_AND_TRAP, {"f": lambda: {"k": {1: "a", "1": "b"}}})
    assert told(rows)["a"]["type"] == "result"
    assert "two keys" in told(rows)["a"]["message"]


@pytest.mark.parametrize("text", ["\ud800", "x" * 70_000, 5, None, b"hello"])
def test_a_message_that_cannot_be_told_is_refused_where_it_is_said(text) -> None:
    session = ScriptedSession([Piece("hm "), EndOfDecoding("stop")])
    with Runtime(session, {}) as runtime:
        with pytest.raises(HostError, match="Embed/message"):
            runtime.say(text)
        runtime.say("hello")
        rows = list(runtime.run())
    assert told(rows) == {"user1": "hello"}
    assert rows[-1].rule == "Settle/finish"


def test_people_do_not_speak_below_the_extended_level() -> None:
    settings = Settings(profile=Profile(level=Level.FUTURES))
    with (
        Runtime(ScriptedSession([]), {}, settings) as runtime,
        pytest.raises(HostError, match="of the extended level"),
    ):
        runtime.say("hello")


# ---------------------------------------------------------------------- answers that always read back


def read_back(context, settings) -> list[Interrupt]:
    found = cml.parse(context, settings.profile).items
    return [item for item in found if isinstance(item, Interrupt)]


def test_of_many_functions_the_nearest_are_named() -> None:
    functions = {f"get_thing_{i}": len for i in range(11_000)}
    context, _ = run("[CALL] a [HEAD] get_thin_77() [END][TRAP][END]", functions)
    [interrupt] = read_back(context, Settings())
    assert "get_thing_77" in interrupt.value["message"]
    assert len(interrupt.value["message"]) < 1_000


def test_with_the_smallest_limits_every_answer_of_the_runtime_reads_back() -> None:
    def f() -> None:
        raise ValueError("x" * 10_000)

    script = (
        f"[CALL] {'b' * 16} [HEAD] {'g' * 30}() [END][CALL] {'b' * 16} [HEAD] f() [END]"
        f"[CALL] {'c' * 16} [HEAD] f() [END][CALL] f( [END][CALL] END [HEAD] f() [END]"
        f"[CALL] {'d' * 16} [HEAD] f(x={'e' * 16}) [END]"
        f"[CALL] {'e' * 16} [HEAD] f(1) [END][TRAP] all [END]"
    )
    limits = Limits(block_characters=96, identifier_characters=16)
    settings = Settings(profile=Profile(limits=limits))
    context, rows = run(script, {"f": f}, settings)
    assert [i.id for i in read_back(context, settings)] == list(told(rows))
    assert len(told(rows)) == 7


@pytest.mark.parametrize(
    "settings",
    [
        Settings(deadline_us=0),
        Settings(deadline_us=-5),
        Settings(deadline_us=10**16),
        Settings(deadlines_us={"f": 0}),
        Settings(workers=-1),
        Settings(end="never"),
        Settings(estimates_us={"f": -1}),
        Settings(profile=Profile(limits=Limits(block_characters=100))),
        Settings(profile=Profile(limits=Limits(identifier_characters=8))),
    ],
    ids=str,
)
def test_settings_out_of_bounds_are_refused(settings) -> None:
    with pytest.raises(HostError, match="Embed/settings"):
        Runtime(ScriptedSession([]), {}, settings)


def test_settings_out_of_bounds_are_no_header() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"cml_trace":1,"settings":{"deadline_us":0}}', type=Header)


# ------------------------------------------------------------------------------- a host that breaks off


class Says(ScriptedSession):
    """Decodes whatever it was given."""

    def __init__(self, value: object) -> None:
        super().__init__([])
        self.value = value

    def decode(self):
        return self.value


@pytest.mark.parametrize(
    "value",
    [
        "hello",
        None,
        EndOfDecoding("foo"),
        Piece(5),
        Piece(""),
        Piece("\ud83d"),
    ],
    ids=repr,
)
def test_a_session_that_decodes_something_else_is_told(value) -> None:
    with (
        Runtime(Says(value), {}) as runtime,
        pytest.raises(HostError, match="Embed/piece"),
    ):
        list(runtime.run())


def test_append_gives_a_number_of_tokens() -> None:
    class Forgetful(ScriptedSession):
        def append(self, batch):
            super().append(batch)

    with (
        Runtime(Forgetful([CALL_AND_TRAP]), {"f": lambda: 1}) as runtime,
        pytest.raises(HostError, match="Embed/append"),
    ):
        list(runtime.run())


@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_cannot_close_the_session_that_called_it(is_async) -> None:
    def closes() -> None:
        runtime.close()

    async def closes_too() -> None:
        runtime.close()

    functions = {"f": closes_too if is_async else closes}
    runtime = Runtime(ScriptedSession([CALL_AND_TRAP]), functions)
    with runtime:
        rows = list(runtime.run())
    assert told(rows)["a"]["type"] == "HostError"
    assert "Embed/shutdown" in told(rows)["a"]["message"]
    assert any(isinstance(row.event, Returned) for row in rows)


def test_a_function_that_is_none_is_refused() -> None:
    with pytest.raises(HostError, match="'g' is an int"):
        Runtime(ScriptedSession([]), {"g": 5})


# ------------------------------------------------------------------------------ what breaks off midway


def test_to_break_off_and_close_is_to_stop() -> None:
    """A step that no row has named yet is taken back, and the journal says why."""
    file = io.BytesIO()
    session = ScriptedSession(["[INTR] a [HEAD] 42 [END] yes"])
    header = Header(1, Settings(functions=()), "real")
    with Runtime(session, {}, journal=journal(file, header)) as runtime:
        for row in runtime.run():
            if row.rule == "Settle/decode":
                break
    assert "[INTR]" not in session.context
    lines = file.getvalue().splitlines(keepends=True)
    assert b"Step/stop" in lines[-1]
    assert list(check_trace(lines)) == []


def test_a_second_run_takes_nothing_from_the_first() -> None:
    session = ScriptedSession(["a ", "b ", CALL_AND_TRAP])
    with Runtime(session, {"f": lambda: 1}) as runtime:
        running = runtime.run()
        next(running)
        with pytest.raises(HostError, match="Embed/begin"):
            next(runtime.run())
        assert list(running)[-1].rule == "Settle/finish"


def test_after_a_journal_that_failed_no_turn_begins() -> None:
    def full(rows) -> None:
        if any(row.rule == "Step/truncated" for row in rows):
            raise OSError(28, "No space left on device")

    session = ScriptedSession(["ok ", "[CALL] a [HEAD] f("])
    with Runtime(session, {"f": lambda: 1}, journal=full) as runtime:
        with pytest.raises(OSError, match="No space"):
            list(runtime.run())
        with pytest.raises(HostError, match="Embed/effects"):
            list(runtime.run())


def test_to_read_on_after_closing_comes_to_an_end() -> None:
    session = ScriptedSession(["a ", "b "])
    runtime = Runtime(session, {})
    running = runtime.run()
    next(running)
    runtime.close()
    list(running)
    with pytest.raises(HostError, match="Embed/shutdown"):
        next(runtime.run())


def test_a_function_may_run_a_session_of_its_own() -> None:
    def f() -> str:
        inner = ScriptedSession(["hello"])
        with Runtime(inner, {}) as runtime:
            list(runtime.run())
        return inner.context

    assert told(run(CALL_AND_TRAP, {"f": f})[1]) == {"a": "hello"}


class Hostile(dict):
    """A record that cannot be read."""

    def items(self):
        raise RuntimeError("no")

    __iter__ = values = keys = items


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "executor"),
        (cml.parse("hello"), "executor"),
        (Outcome(OutcomeKind.PROGRESS, 1), "executor"),
        (Outcome("returned", 1), "executor"),
        (Outcome(OutcomeKind.RETURNED, Hostile(a=1)), None),
        (Outcome(OutcomeKind.RETURNED, {1: 2, "1": 3}), "result"),
    ],
)
def test_whatever_an_executor_gives_the_call_comes_back(value, kind) -> None:
    _, rows = run(CALL_AND_TRAP, {"f": lambda: 1}, executor=Gives(value))
    found = told(rows)["a"]
    assert kind is None or found["type"] == kind


def test_a_coroutine_that_stops_its_loop_stops_nobody() -> None:
    async def f() -> int:
        asyncio.get_running_loop().stop()
        return 1

    _, rows = run(TWO_CALLS, {"f": f, "g": f})
    assert told(rows) == {"a": 1, "b": 1}


def fail_long() -> None:
    raise ValueError("x" * 20_000_000)


def deep(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("call", ["[CALL] a [HEAD] f() [END][TRAP][END]", "[CALL] f() [END]"])
@pytest.mark.parametrize("f", [lambda: deep(300), lambda: "x" * 20_000_000, fail_long])
def test_whatever_a_function_does_the_trace_can_be_read(call, f) -> None:
    file = io.BytesIO()
    header = Header(1, Settings(functions=("f",)), "real")
    run(call, {"f": f}, journal=journal(file, header))
    file.seek(0)
    assert list(check_trace(bounded_lines(file))) == []


def test_a_region_that_an_interrupt_would_open_is_refused() -> None:
    for opening in ("[", "[I", "[INTR]", "\\", "\n[", "\n"):
        settings = Settings(profile=Profile(regions=((opening, "x"),)))
        with pytest.raises(HostError, match="Embed/settings"):
            Runtime(ScriptedSession([]), {}, settings)


def test_results_that_nobody_can_ask_for_are_not_kept() -> None:
    _, rows = run("[CALL] f() [END]" * 3, {"f": lambda: ["big"]})
    state = State(Settings(functions=("f",)))
    reader = RunReader(state.settings)
    for row in rows:
        reader.take(row)
    assert [call.outcome.value for call in reader.state.calls.values()] == [None] * 3


def test_a_journal_that_closes_the_session_is_told() -> None:
    def closes(rows) -> None:
        runtime.close()

    runtime = Runtime(ScriptedSession(["a "]), {}, journal=closes)
    with pytest.raises(HostError, match="Embed/shutdown"):
        list(runtime.run())


def test_closing_from_another_thread_ends_who_waits() -> None:
    file = io.BytesIO()
    gate = threading.Event()
    header = Header(1, Settings(functions=("f",)), "real")
    session = ScriptedSession([CALL_AND_TRAP])
    runtime = Runtime(session, {"f": lambda: gate.wait(60)}, journal=journal(file, header))
    closing = threading.Timer(0.1, runtime.close)
    closing.start()
    with pytest.raises(HostError, match="Embed/shutdown"):
        list(runtime.run())
    closing.join()
    gate.set()
    assert list(check_trace(file.getvalue().splitlines(keepends=True))) == []


def test_who_holds_a_symbol_while_another_thread_closes_is_told_of_that() -> None:
    session = ScriptedSession(["a ", "b "])
    runtime = Runtime(session, {})
    running = runtime.run()
    while next(running).rule != "Settle/decode":
        pass
    arrivals = runtime._driver.arrivals
    wait = arrivals.wait

    def slow(patience_s):
        held = wait(patience_s)
        assert isinstance(held, Decoded)
        closing = threading.Thread(target=runtime._driver.end_turn)
        closing.start()
        closing.join()
        return held

    arrivals.wait = slow
    with pytest.raises(HostError, match="Embed/shutdown"):
        list(running)
    runtime.close()


def test_what_is_said_and_not_heard_is_told_also_where_the_journal_fails_at_the_end() -> None:
    def full(rows) -> None:
        if any(row.rule == "Step/stop" for row in rows):
            raise OSError(28, "No space left on device")

    runtime = Runtime(ScriptedSession(["a ", "b "]), {}, journal=full)
    next(runtime.run())
    message = runtime.say("hello?")
    with pytest.raises(OSError, match="No space"):
        runtime.close()
    with pytest.raises(HostError, match="Embed/shutdown"):
        message.went_in.result(0)


def test_a_message_that_is_said_as_the_session_is_closed_is_refused_or_told() -> None:
    for _ in range(20):
        runtime = Runtime(ScriptedSession([]), {})
        closing = threading.Thread(target=runtime.close)
        closing.start()
        said = []
        with pytest.raises(HostError, match="Embed/shutdown"):
            said.extend(runtime.say("hm") for _ in iter(lambda: time.sleep(0.0001), 0))
        closing.join()
        for message in said:
            with pytest.raises(HostError, match="Embed/shutdown"):
                message.went_in.result(0)


def test_an_arrival_that_another_thread_takes_first_is_not_waited_for() -> None:
    """Closing from another thread takes arrivals while `run` may be taking the last one."""

    class Raced(SimpleQueue):
        def qsize(self) -> int:
            return super().qsize() + 1

    session = ScriptedSession(["hello"])
    with Runtime(session, {}) as runtime:
        runtime._driver.arrivals._queue = Raced()
        assert list(runtime.run())[-1].rule == "Settle/finish"


def test_a_call_that_an_executor_did_not_take_is_not_left_behind() -> None:
    pool = ThreadPoolExecutor(1)
    executor = FaultyExecutor(pool, lambda: ExecutorFault.DEAF)
    session = ScriptedSession(pieces_of(CALL_AND_TRAP))
    runtime = Runtime(session, {"f": lambda: 1}, executor=executor)
    rows = list(runtime.run())
    assert told(rows)["a"]["type"] == "ConnectionError"
    assert runtime.close() == ()


def test_to_cancel_what_comes_back_in_that_moment_is_to_do_nothing() -> None:
    with Runtime(ScriptedSession([]), {"f": lambda: 1}) as runtime:
        calls = runtime._driver.calls
        calls._running["a"] = Future()  # another thread is about to take it out, too
        calls.cancel("a")
        del calls._running["a"]
