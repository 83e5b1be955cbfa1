"""Executors and the realtime driver: real threads, processes and coroutines."""

import asyncio
import os
import threading
import time
from collections.abc import Generator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from clusters import dask_cluster

from cml.ast import OutcomeKind
from interpreter import EndOfDecoding, Runtime, Settings
from interpreter.events import Inject, Returned
from interpreter.executors import ExecutorError, Processes, check_executor
from interpreter.runs import read_run
from interpreter.schedule.charts.html import chart_page
from interpreter.schedule.narration.timelines import recorded_timelines
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.testing import ExecutorFault, FaultyExecutor
from interpreter.trace import Header, check_trace, encode_header, encode_row

EXECUTORS = [
    lambda: ThreadPoolExecutor(2),
    lambda: ProcessPoolExecutor(1, mp_context=get_context("spawn")),
    lambda: Processes(2),
]


@pytest.mark.parametrize("make", EXECUTORS, ids=["threads", "a pool of processes", "processes"])
def test_executor_contract(make) -> None:
    check_executor(make)


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (ExecutorFault.NO_OUTCOME, "Embed/start: a value"),
        (ExecutorFault.ERROR, "Embed/start: a value"),
        (ExecutorFault.TWICE, "Embed/return: one call was noticed 2 times"),
    ],
)
def test_the_contract_finds_a_broken_executor(fault, found) -> None:
    with pytest.raises(ExecutorError, match=found):
        check_executor(lambda: FaultyExecutor(ThreadPoolExecutor(1), lambda: fault))


def run(script, functions, executor: Executor | None = None, settings: Settings | None = None):
    session = ScriptedSession(pieces_of(script), 0.001)
    with Runtime(session, functions, settings, executor) as runtime:
        rows = list(runtime.run())
    lines = [encode_header(Header(1, runtime.settings, "real")), *map(encode_row, rows)]
    assert list(check_trace(lines)) == []
    return session, rows


def outcomes(rows) -> dict[str, str]:
    return {
        delivery.id: delivery.outcome.kind.value
        for row in rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for delivery in effect.interrupts
    }


def test_decoding_goes_on_while_calls_run() -> None:
    gate = threading.Event()
    script = (
        "[CALL] a [HEAD] waits() [END] meanwhile [CALL] b [HEAD] opens() [END] [TRAP] all [END] ok"
    )
    functions = {"waits": lambda: gate.wait(30), "opens": gate.set}
    _, rows = run(script, functions)
    returned = [row.event.call for row in rows if isinstance(row.event, Returned)]
    assert sorted(returned) == ["a", "b"]
    assert rows[-1].rule == "Settle/finish"


async def nap(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "rested"


def test_coroutines_run_in_one_loop_and_honour_cancel() -> None:
    script = "[CALL] a [HEAD] nap(0.01) [END] [CALL] b [HEAD] nap(600.0) [END] [CALL] cancel(b) [END] [TRAP] all [END]"
    _, rows = run(script, {"nap": nap})
    assert outcomes(rows) == {"a": "returned", "b": "cancelled"}


def test_a_deadline_comes_though_nothing_else_happens() -> None:
    gate = threading.Event()
    script = "[CALL] a [HEAD] waits() [END] [TRAP][END] ok"
    _, rows = run(script, {"waits": lambda: gate.wait(30)}, settings=Settings(deadline_us=20_000))
    gate.set()
    assert outcomes(rows) == {"a": OutcomeKind.TIMEOUT.value}


def die() -> None:
    os._exit(3)


def test_a_call_that_kills_its_worker_has_failed() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        _, rows = run("[CALL] a [HEAD] die() [END] [TRAP][END]", {"die": die}, pool)
    assert outcomes(rows) == {"a": "failed"}


def test_stopping_leaves_a_valid_trace() -> None:
    gate = threading.Event()
    session = ScriptedSession(pieces_of("[CALL] a [HEAD] waits() [END] [TRAP][END]"))
    with Runtime(session, {"waits": lambda: gate.wait(30)}) as runtime:
        rows = []
        for row in runtime.run():
            rows.append(row)
            if row.rule == "Step/trap":
                runtime.stop()
        gate.set()
    assert rows[-1].rule == "Step/stop"
    lines = [encode_header(Header(1, runtime.settings, "real")), *map(encode_row, rows)]
    assert list(check_trace(lines)) == []


def test_a_message_wakes_a_trap_and_goes_in_first() -> None:
    gate = threading.Event()
    session = ScriptedSession(
        pieces_of("[CALL] a [HEAD] waits() [END] [TRAP] all [END] [TRAP] all [END]")
    )
    with Runtime(session, {"waits": lambda: gate.wait(30)}) as runtime:
        for row in runtime.run():
            if row.rule == "Step/trap":
                runtime.say("make it Thursday")
            if row.rule == "Settle/wake":
                gate.set()
    assert '[INTR] user1 [HEAD] "make it Thursday" [END]' in session.context
    assert session.context.index("user1") < session.context.index("[INTR] a [HEAD]")


def test_a_second_turn_hears_of_what_the_first_left_running() -> None:
    gate = threading.Event()
    session = ScriptedSession(
        [*pieces_of("[CALL] a [HEAD] waits() [END] bye"), EndOfDecoding("stop"), "and now? "], 0.001
    )
    with Runtime(session, {"waits": lambda: gate.wait(30)}, Settings(end="detach")) as runtime:
        first = list(runtime.run())
        assert first[-1].rule == "Settle/detach"
        gate.set()
        while "a" not in outcomes(second := list(runtime.run())):
            assert second[-1].rule in {"Settle/detach", "Settle/finish"}
    assert outcomes(second) == {"a": "returned"}


def test_what_the_session_raises_is_raised_to_the_host() -> None:
    class Broken(ScriptedSession):
        def decode(self):
            raise RuntimeError("out of memory")

    with Runtime(Broken([]), {}) as runtime, pytest.raises(RuntimeError, match="out of memory"):
        list(runtime.run())


def meets(own: str, other: str, folder: str) -> int:
    """Wait for another call to run at the same time; return the process that this one runs in."""
    (Path(folder) / own).touch()
    until = time.monotonic() + 60
    while not (Path(folder) / other).exists():
        if time.monotonic() > until:
            raise TimeoutError(f"{other} does not run beside {own}")
        time.sleep(0.01)
    return os.getpid()


def counts(to: int) -> Generator[int, None, int]:
    """Count, and report it."""
    yield from range(to)
    return to


@pytest.mark.slow
@pytest.mark.long
def test_tools_run_on_a_dask_cluster_while_the_model_decodes(tmp_path: Path) -> None:
    where = f'folder="{tmp_path}"'
    script = (
        f'[CALL] a [HEAD] meets(own="a", other="b", {where}) [END] meanwhile '
        f'[CALL] b [HEAD] meets(own="b", other="a", {where}) [END] and on '
        "[CALL] c [HEAD] counts(to=a) [END] [CALL] d [HEAD] die() [END] [TRAP] all [END] ok"
    )
    with dask_cluster(2) as client:
        check_executor(lambda: client.get_executor(pure=False))
        executor = client.get_executor(pure=False, retries=0)
        functions = {"meets": meets, "counts": counts, "die": lambda: 1 / 0}
        _, rows = run(script, functions, executor)
    told = {
        delivery.id: delivery.outcome.value
        for row in rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for delivery in effect.interrupts
    }
    assert (
        len({told["a"], told["b"], os.getpid()}) == 3
    )  # side by side, in processes of the cluster
    assert told["c"] == told["a"]
    assert told["d"]["type"] == "ZeroDivisionError"
    timeline = read_run(Settings(functions=("meets", "counts", "die")), rows)
    a, b = timeline.calls[:2]
    assert a.started_us < b.opened_us < b.started_us < a.returned_us  # the model wrote b meanwhile
    page = chart_page(recorded_timelines(timeline, "on a cluster"))
    assert all(f"{call.call} {call.function}" in page for call in timeline.calls)
