"""What functions report on their way reaches the model, from wherever they run (Embed/progress)."""

import asyncio
import functools
import pickle
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from cml.ast import OutcomeKind
from cml.profile import Level, Limits, Profile
from interpreter import Runtime
from interpreter.errors import HostError
from interpreter.events import Outcome, Start
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.state import Settings
from interpreter.tools.calling import call_coroutine, call_function
from interpreter.tools.declared import tool
from interpreter.tools.progress import Office, Progress, current_progress

CALL = "[CALL] a [HEAD] {} [END] [TRAP] all [END] ok"
QUICK = tool(progress_s=0)


@QUICK
def counts(n: int):
    for number in range(n):
        yield {"done": number}
    return "all"


@QUICK
async def counts_later(n: int):
    for number in range(n):
        yield number
        await asyncio.sleep(0)


@tool(progress_s=600)
def counts_slowly(n: int):
    yield from range(n)


@QUICK
def endless():
    while True:
        time.sleep(0.001)
        yield 1


@QUICK
def reports_bytes():
    yield b"abc"


def run(body, functions, settings=None, executor=None):
    session = ScriptedSession(pieces_of(CALL.format(body)))
    with Runtime(session, functions, settings, executor) as runtime:
        rows = list(runtime.run())
    return rows, session.context


def told(rows):
    return [
        (row.event.outcome.kind.value, row.event.outcome.value)
        for row in rows
        if row.event is not None and hasattr(row.event, "outcome")
    ]


REPORTED = [("progress", {"done": 0}), ("progress", {"done": 1}), ("returned", "all")]


def test_a_generator_reports_from_a_thread() -> None:
    rows, context = run("counts(2)", {"counts": counts})
    assert told(rows) == REPORTED
    assert '[INTR] a progress [HEAD] {"done": 1} [END]' in context
    assert '[INTR] a [HEAD] "all" [END]' in context


def test_an_async_generator_reports_from_the_loop_and_its_last_value_is_its_result() -> None:
    rows, _ = run("counts_later(2)", {"counts_later": counts_later})
    assert told(rows) == [("progress", 0), ("progress", 1), ("returned", 1)]


def test_a_generator_reports_from_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        rows, _ = run("counts(2)", {"counts": counts}, executor=executor)
    assert told(rows) == REPORTED
    assert not [t for t in threading.enumerate() if t.name == "cml-progress" and t.is_alive()]


def test_an_office_that_is_closed_while_a_report_is_taken_keeps_nobody_waiting() -> None:
    taken, go_on = threading.Event(), threading.Event()

    def tell(_call: str, _outcome: Outcome) -> None:
        taken.set()
        go_on.wait(30)

    office = Office()
    box = office.box(tell)
    report = Outcome(OutcomeKind.PROGRESS, 1)
    branch = pickle.loads(pickle.dumps(box))
    reporting = threading.Thread(target=branch, args=("a", report), daemon=True)
    closing = threading.Thread(target=office.close, daemon=True)
    reporting.start()
    assert taken.wait(30)
    closing.start()
    closing.join(0.2)  # by now it has connected, and nobody accepts
    go_on.set()
    for thread in (reporting, closing):
        thread.join(30)
        assert not thread.is_alive()


def test_no_more_is_told_than_the_profile_says_and_none_below_the_extended_level() -> None:
    few = Settings(profile=Profile(limits=Limits(progress_reports=3)))
    rows, _ = run("counts(9)", {"counts": counts}, few)
    assert [kind for kind, _ in told(rows)] == ["progress"] * 3 + ["returned"]
    core = Settings(profile=Profile(level=Level.CORE))
    session = ScriptedSession(pieces_of("[CALL] a [HEAD] counts(9) [END] [TRAP][END] ok"))
    with Runtime(session, {"counts": counts}, core) as runtime:
        assert told(list(runtime.run())) == [("returned", "all")]


def test_what_comes_too_soon_is_dropped_and_counted() -> None:
    session = ScriptedSession(pieces_of(CALL.format("counts_slowly(50)")))
    with Runtime(session, {"counts_slowly": counts_slowly}) as runtime:
        rows = list(runtime.run())
    assert told(rows) == [("progress", 0), ("returned", None)]
    assert (runtime.withheld("a"), runtime.withheld("b")) == (49, 0)


def test_a_report_without_a_json_form_fails_the_call() -> None:
    rows, _ = run("reports_bytes()", {"reports_bytes": reports_bytes})
    [(kind, value)] = told(rows)
    assert (kind, value["type"]) == ("failed", "TypeError")


@pytest.mark.parametrize("is_called", [True, False])
def test_a_generator_whose_report_is_refused_has_ended_when_its_call_has(is_called: bool) -> None:
    """What it does at its end is done by then, in a thread and in a loop."""
    ended: list[str] = []

    async def reports() -> AsyncIterator[object]:
        try:
            yield 1j
        finally:
            await asyncio.sleep(0)
            ended.append(str(current_progress() is progress))

    progress = Progress(lambda *_: None, "a", at_most=1, least_us=0)
    if is_called:
        outcome = call_function(reports, (), {}, progress=progress)
    else:
        outcome = asyncio.run(call_coroutine(reports, (), {}, progress=progress))
    assert outcome.kind is OutcomeKind.FAILED
    assert ended == ["True"]


def test_a_generator_that_is_cancelled_stops_at_its_next_report() -> None:
    text = "[CALL] a [HEAD] endless() [END] [CALL] k [HEAD] cancel(a) [END] [TRAP] all [END] ok"
    session = ScriptedSession(pieces_of(text))
    with Runtime(session, {"endless": endless}) as runtime:
        rows = list(runtime.run())
    assert told(rows)[-1][0] == "cancelled"
    assert runtime.close() == ()


def test_progress_is_throttled_by_time() -> None:
    kept: list[tuple[str, Outcome]] = []
    progress = Progress(lambda *it: kept.append(it), "a", at_most=9, least_us=20_000)
    begun_s = time.monotonic()
    while len(kept) < 4:
        progress.report(1)
    assert time.monotonic() - begun_s >= 0.06
    assert all(outcome.kind is OutcomeKind.PROGRESS for _, outcome in kept)


def test_a_generator_is_a_result_where_nobody_listens() -> None:
    assert call_function(counts, (3,), {}).value == "all"


# ------------------------------------------------------------------------------ awaited


async def where(x: int) -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


class Where:
    async def __call__(self, x: int) -> str:
        return await where(x)


@functools.wraps(where)
def wrapped(x):
    return where(x)


@functools.wraps(where)
def blocking(x):
    return asyncio.run(where(x))


@pytest.mark.parametrize(
    ("function", "thread"),
    [
        (where, "cml-async"),
        (Where(), "cml-async"),
        (Where().__call__, "cml-async"),
        (functools.partial(where, 1), "cml-async"),
        (functools.partial(Where(), x=1), "cml-async"),
        (wrapped, "cml-call"),
        (blocking, "cml-call"),
        (lambda x: where(x + 0), "cml-call"),
    ],
    ids=["function", "object", "method", "partial", "partial object", "wrapped", "runs", "lambda"],
)
def test_what_can_be_awaited_is_and_coroutine_functions_are_in_the_loop(function, thread) -> None:
    body = "f()" if isinstance(function, functools.partial) else "f(1)"
    rows, _ = run(body, {"f": function})
    [(kind, value)] = told(rows)
    assert (kind, value.partition("-")[0]) == ("returned", "cml")
    assert value.startswith(thread)


# -------------------------------------------------------------------------------- names


def test_names_that_python_bodies_cannot_spell_are_called_by_their_aliases() -> None:
    functions = {"get-weather": lambda city: f"sunny in {city}", "f ": lambda: 2}
    rows, context = run('get_weather("Oslo")', functions)
    assert '[INTR] a [HEAD] "sunny in Oslo" [END]' in context
    session = ScriptedSession(pieces_of(""))
    with Runtime(session, functions, Settings(deadlines_us={"get-weather": 5})) as runtime:
        assert runtime.settings.functions == ("get_weather", "f_")
        assert runtime.settings.aliases == {"get_weather": "get-weather", "f_": "f "}
        assert runtime.settings.deadlines_us == {"get_weather": 5}
    assert [e.function for row in rows for e in row.effects if isinstance(e, Start)] == [
        "get_weather"
    ]


@pytest.mark.parametrize("functions", [{"": max}, {"f": 5}, {3: max}])
def test_what_can_never_be_called_is_refused_at_the_start(functions) -> None:
    with pytest.raises(HostError):
        Runtime(ScriptedSession(()), functions)


def test_what_tools_declare_is_in_the_settings_unless_the_host_says_otherwise() -> None:
    @tool(estimate_s=2, deadline_s=5)
    def declared(): ...

    with Runtime(ScriptedSession(()), {"d": declared}) as runtime:
        assert runtime.settings.estimates_us == {"d": 2_000_000}
        assert runtime.settings.deadlines_us == {"d": 5_000_000}
    with Runtime(ScriptedSession(()), {"d": declared}, Settings(deadlines_us={"d": 7})) as runtime:
        assert runtime.settings.deadlines_us == {"d": 7}
