"""Faults of functions and of executors, on every executor and at every level: each call is answered once."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
from clusters import dask_cluster

from cml.ast import OutcomeKind
from cml.profile import Level, Profile
from interpreter import AsyncRuntime, Runtime, Settings
from interpreter.events import Inject
from interpreter.executors import Processes
from interpreter.executors.threads import DaemonThreads
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.testing import (
    EXECUTOR_FAULTS,
    FUNCTION_FAULTS,
    ExecutorFault,
    FaultyExecutor,
    JumpingClock,
    Ran,
    check_ran,
    soak,
)
from interpreter.testing.functions import changes, delays

SCRIPT = (
    "[CALL] a [HEAD] quick(x=1) [END] [CALL] b [HEAD] odd({}) [END] [CALL] c [HEAD] quick(x=2) [END]"
    " [TRAP][END] so [TRAP][END] and [TRAP][END] done."
)
LONG_US, SHORT_US = 60_000_000, 500_000
"""Deadlines: of what comes back in the end, and of what does not."""


def quick(x: int) -> int:
    return x


def threads() -> Executor:
    return DaemonThreads("cml-call")


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with Processes(4) as pool:
        assert pool.submit(quick, 1).result() == 1
        yield pool


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    with dask_cluster(4) as client:
        yield client.get_executor(pure=False, retries=0)


def settings_at(level: Level, ends: OutcomeKind) -> Settings:
    """With a deadline that the second call meets, unless it is to be told by it."""
    odd_us = SHORT_US if ends is OutcomeKind.TIMEOUT else LONG_US
    return Settings(Profile(level=level), deadlines_us={"odd": odd_us, "quick": LONG_US})


def ran(functions, executor, settings: Settings, arguments: str = "", **options) -> Ran:
    """Run the script in the blocking form, and hold it against all that must be."""
    session = ScriptedSession(pieces_of(SCRIPT.format(arguments)))
    with Runtime(session, functions, settings, executor, **options) as runtime:
        rows = list(runtime.run())
        found = Ran(runtime.settings, rows, session.context)
    check_ran(found)
    return found


def ran_in_a_loop(functions, executor, settings: Settings, arguments: str = "") -> Ran:
    """Do the same in an event loop."""

    async def run() -> Ran:
        session = ScriptedSession(pieces_of(SCRIPT.format(arguments)))
        async with AsyncRuntime(session, functions, settings, executor) as runtime:
            rows = [row async for row in runtime.run()]
            return Ran(runtime.settings, rows, session.context)

    found = asyncio.run(run())
    check_ran(found)
    return found


def outcomes(found: Ran) -> dict[str, object]:
    return {
        told.id: told.outcome
        for row in found.rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for told in effect.interrupts
    }


def check_function(
    play, executor, name: str, level: Level, *, may_cost_others: bool = False
) -> None:
    """The call of the function that is at fault ends so, and both others are answered."""
    fault, in_a_loop = FUNCTION_FAULTS[name], play is ran_in_a_loop
    functions = {"quick": quick, "odd": fault.coroutine if in_a_loop else fault.function}
    told = outcomes(play(functions, executor, settings_at(level, fault.ends), fault.arguments))
    if not may_cost_others:
        assert (told["a"].value, told["c"].value) == (1, 2)
    assert told.keys() == {"a", "b", "c"}
    assert told["b"].kind is fault.ends
    if fault.failure is not None:
        assert told["b"].value["type"] == fault.failure


each_level = pytest.mark.parametrize("level", Level)
each_function = pytest.mark.parametrize("name", FUNCTION_FAULTS)
each_fault = pytest.mark.parametrize("fault", ExecutorFault, ids=lambda fault: fault.value)


@each_level
@pytest.mark.parametrize("name", [n for n, f in FUNCTION_FAULTS.items() if f.coroutine])
def test_functions_at_fault_in_threads_and_in_a_loop(name, level) -> None:
    check_function(ran, threads(), name, level)
    check_function(ran_in_a_loop, None, name, level)


@each_level
@each_function
def test_functions_at_fault_in_processes(name, level, processes) -> None:
    check_function(ran, processes, name, level)


@pytest.mark.slow
@pytest.mark.long
@each_level
@each_function
def test_functions_at_fault_on_a_cluster(name, level, cluster) -> None:
    # Dask blames a worker that dies on all that waited for it.
    is_killed = name == "kills its worker"
    check_function(ran, cluster, name, level, may_cost_others=is_killed)


def check_executor_at_fault(play, behind: Executor, fault: ExecutorFault, level: Level) -> None:
    """The second call meets the fault, those before and after it do not; then all three do."""
    nothing = ExecutorFault.NOTHING
    once = itertools.chain([nothing, fault], itertools.repeat(nothing))
    functions = {"quick": quick, "odd": quick}
    settings = settings_at(level, EXECUTOR_FAULTS[fault])
    told = outcomes(play(functions, FaultyExecutor(behind, lambda: next(once)), settings, "x=3"))
    assert (told["a"].value, told["c"].value) == (1, 2)
    assert told["b"].kind is EXECUTOR_FAULTS[fault]
    if fault is not ExecutorFault.DROPS:
        told = outcomes(play(functions, FaultyExecutor(behind, lambda: fault), settings, "x=3"))
        assert {told[call].kind for call in "abc"} == {EXECUTOR_FAULTS[fault]}


@each_level
@each_fault
def test_executors_at_fault_around_threads(fault, level) -> None:
    check_executor_at_fault(ran, threads(), fault, level)
    check_executor_at_fault(ran_in_a_loop, threads(), fault, level)


@each_level
@each_fault
def test_executors_at_fault_around_processes(fault, level, processes) -> None:
    check_executor_at_fault(ran, processes, fault, level)


@pytest.mark.slow
@pytest.mark.long
@each_level
@each_fault
def test_executors_at_fault_around_a_cluster(fault, level, cluster) -> None:
    check_executor_at_fault(ran, cluster, fault, level)


@each_level
@pytest.mark.parametrize("make", [threads, lambda: ThreadPoolExecutor(2), lambda: Processes(1)])
def test_an_executor_that_is_shut_down_fails_each_call(make, level) -> None:
    executor = make()
    executor.shutdown()
    settings = settings_at(level, OutcomeKind.FAILED)
    told = outcomes(ran({"quick": quick, "odd": quick}, executor, settings, "x=3"))
    assert {told[call].value["type"] for call in "abc"} == {"RuntimeError"}


@each_level
@pytest.mark.parametrize("seed", range(8))
def test_a_clock_that_jumps_leaves_times_that_do_not_go_back(seed, level) -> None:
    clock = JumpingClock(random.Random(seed), 40_000_000)
    functions = {"quick": quick, "odd": delays}
    settings = settings_at(level, OutcomeKind.TIMEOUT)
    told = outcomes(ran(functions, threads(), settings, clock=clock))
    assert {told[call].kind for call in "abc"} <= {OutcomeKind.RETURNED, OutcomeKind.TIMEOUT}


def test_a_function_that_changes_its_argument_changes_nobody_elses() -> None:
    functions = {"quick": quick, "odd": changes}
    told = outcomes(ran(functions, threads(), Settings(), "x=[1]"))
    assert told["b"].value == [1, "changed"]


# -------------------------------------------------------------------------------------- days of it


def test_a_month_of_faults_costs_no_call_its_answer_and_repeats_exactly() -> None:
    soaked = soak(7, 30)
    assert soaked == soak(7, 30)
    assert soaked.digest != soak(8, 30).digest
    assert soaked.faults.keys() >= {"delay", "drop", "duplicate", "raise", "too much", "progress"}
    assert sum(soaked.answered.values()) >= soaked.started


def test_a_session_that_fails_is_named_and_can_be_repeated(monkeypatch) -> None:
    def fails_at_a_drop(found: Ran) -> None:
        assert OutcomeKind.TIMEOUT not in {told.kind for told in outcomes(found).values()}

    monkeypatch.setattr("interpreter.testing.soaking.check_ran", fails_at_a_drop)
    with pytest.raises(AssertionError, match=r"session \d+ of seed 7") as failed:
        soak(7, 1_000)
    number = int(str(failed.value).split()[1])
    with pytest.raises(AssertionError, match=f"session {number} of seed 7"):
        soak(7, 0.001, number)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_ten_years_of_faults(seed) -> None:
    soaked = soak(seed, 3_650)
    assert soaked.virtual_us >= 3_650 * 86_400 * 1_000_000
