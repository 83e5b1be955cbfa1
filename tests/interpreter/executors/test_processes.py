"""Calls in processes of their own: what one does to itself it does to nobody else."""

import ctypes
import io
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from waiting import wait_until

from interpreter import Runtime, Settings
from interpreter.events import Inject
from interpreter.executors import Processes, WorkerLost
from interpreter.executors.printing import keeping_prints
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.tools.python import ToolOfFile, load_tools

MIB = 2**20


def own_process() -> int:
    return os.getpid()


def leaves() -> None:
    os._exit(3)


def crashes() -> None:
    ctypes.string_at(0)


def hangs(marks: str = "") -> None:
    """Hang, and let a program of its own hang too; both leave a mark."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if marks:
        Path(marks).write_text(f"{os.getpid()} {child.pid}", encoding="ascii")
    time.sleep(600)


def takes(mib: int) -> int:
    return len(bytearray(mib * MIB))


KEPT: list[bytes] = []


def leaks(mib: int) -> int:
    KEPT.append(b"x" * mib * MIB)
    return os.getpid()


def prints(word: str) -> str:
    print(f"{word} of Python")
    print(f"{word} of warnings", file=sys.stderr)
    os.write(1, f"{word} of C\n".encode())
    subprocess.run([sys.executable, "-c", f"print('{word} of a program')"], check=True)
    return word


def lines_of(word: str) -> set[str]:
    return {f"{word} of {what}" for what in ("Python", "warnings", "C", "a program")}


def closes_its_output() -> int:
    sys.stdout.close()
    return 1


def takes_its_output_away() -> int:
    sys.stderr = None  # type: ignore[assignment]
    return 2


def deletes_its_output() -> int:
    del sys.stdout
    return 3


def closes_its_descriptors() -> int:
    os.close(1)
    os.close(2)
    return 4


def keeps_its_output() -> int:
    sys.stdout = io.StringIO()
    return 5


def chatters() -> int:
    for _ in range(3_000):
        print("x" * 100)
    return 1


def run(script: str, functions, executor, settings: Settings | None = None):
    session = ScriptedSession(pieces_of(script))
    with Runtime(session, functions, settings, executor) as runtime:
        rows = list(runtime.run())
        printed = runtime.printed
    told = {
        delivery.id: (delivery.outcome.kind.value, delivery.outcome.value)
        for row in rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for delivery in effect.interrupts
    }
    return told, printed


def is_over(process: int) -> bool:
    """Whether a process is gone, or dead and not buried."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


@pytest.mark.parametrize(
    ("function", "said"),
    [(leaves, "ended, with status 3"), (crashes, "was killed by SIGSEGV")],
)
def test_a_crash_costs_its_own_call_and_says_how(function, said) -> None:
    with Processes(1) as pool:
        before = pool.submit(own_process).result()
        with pytest.raises(WorkerLost, match=said):
            pool.submit(function).result()
        assert pool.submit(own_process).result() not in {before, os.getpid()}


def test_a_call_beside_one_that_crashes_goes_on() -> None:
    script = "[CALL] a [HEAD] crashes() [END][CALL] b [HEAD] slow() [END] [TRAP] all [END] ok"
    with Processes(2) as pool:
        told, printed = run(script, {"crashes": crashes, "slow": own_process}, pool)
    assert told["a"][1]["type"] == "WorkerLost"
    assert told["b"][0] == "returned"
    assert "Segmentation fault" in printed("a")


def test_a_worker_that_died_between_calls_is_no_worker() -> None:
    with Processes(1) as pool:
        first = pool.submit(own_process).result()
        os.kill(first, 9)
        wait_until(lambda: not Path(f"/proc/{first}").exists())
        assert pool.submit(own_process).result() != first


def test_a_deadline_ends_the_process_and_all_that_it_started(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    with Processes(1) as pool:
        # The deadline begins when it runs: a first call waits for its worker.
        pool.submit(own_process).result()
        told, _ = run(
            f'[CALL] a [HEAD] hangs("{marks}") [END] [TRAP][END] [CALL] b [HEAD] own() [END] [TRAP][END]',
            {"hangs": hangs, "own": own_process},
            pool,
            Settings(deadlines_us={"hangs": 3_000_000}),
        )
        for process in marks.read_text(encoding="ascii").split():
            wait_until(lambda it=int(process): is_over(it))
    assert told["a"][0] == "timeout"
    assert told["b"][0] == "returned"


def test_a_call_that_runs_too_long_has_failed() -> None:
    with Processes(1, longest_s=2.0) as pool:
        with pytest.raises(TimeoutError, match=r"it ran for 2 s"):
            pool.submit(hangs).result()
        assert pool.submit(own_process).result()


def test_to_cancel_is_to_kill_and_what_has_not_begun_never_begins() -> None:
    with Processes(1) as pool:
        running, waiting = pool.submit(hangs), pool.submit(hangs)
        time.sleep(0.2)
        assert waiting.cancel()
        assert running.cancel()
        for future in (running, waiting):
            with pytest.raises(CancelledError):
                future.result(30)
        assert pool.submit(own_process).result()


def test_a_session_that_is_closed_leaves_no_call_running() -> None:
    script = "[CALL] a [HEAD] hangs() [END] [TRAP][END]"
    with Processes(1) as pool:
        with Runtime(ScriptedSession(pieces_of(script)), {"hangs": hangs}, None, pool) as runtime:
            for row in runtime.run():
                if row.rule == "Step/trap":
                    runtime.stop()
        assert pool.submit(own_process).result()  # its worker is free


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA is Linux's")


@needs_linux
def test_a_call_that_asks_for_too_much_memory_has_failed() -> None:
    script = "[CALL] a [HEAD] takes(512) [END][CALL] b [HEAD] takes(8) [END] [TRAP] all [END]"
    with Processes(1, memory_bytes=64 * MIB) as pool:
        told, _ = run(script, {"takes": takes}, pool)
    message = "the call asked for more memory than it may have"
    assert told["a"] == ("failed", {"type": "MemoryError", "message": message})
    assert told["b"] == ("returned", 8 * MIB)


@needs_linux
def test_what_a_call_leaks_is_not_the_next_ones_fault() -> None:
    # So much that what a worker imports for its first call is little beside it.
    with Processes(1, memory_bytes=256 * MIB) as pool:
        processes = [pool.submit(leaks, 80).result() for _ in range(8)]
    assert 3 < len({*processes}) < 8


def test_bounds_that_bound_nothing_are_refused() -> None:
    for bounds in ({"workers": 0}, {"longest_s": -1.0}, {"memory_bytes": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(bounds))} is above zero"):
            Processes(**bounds)


def test_what_a_call_prints_is_kept_with_it_by_whatever_means(capfd) -> None:
    script = "[CALL] a [HEAD] prints('A') [END][CALL] b [HEAD] prints('B') [END] [TRAP] all [END]"
    with Processes(2) as pool:
        told, printed = run(script, {"prints": prints}, pool)
    assert told == {"a": ("returned", "A"), "b": ("returned", "B")}
    for call, word in (("a", "A"), ("b", "B")):
        assert {*printed(call).splitlines()} == lines_of(word)
    assert capfd.readouterr() == ("", "")


SPOILS = (
    closes_its_output,
    takes_its_output_away,
    deletes_its_output,
    closes_its_descriptors,
    keeps_its_output,
)


@pytest.mark.parametrize("spoils", SPOILS, ids=lambda function: function.__name__)
def test_whatever_a_call_does_to_its_outputs_the_next_has_them(spoils: Callable[[], int]) -> None:
    script = f'[CALL] a [HEAD] {spoils.__name__}() [END] [CALL] b [HEAD] prints("words") [END] [TRAP] all [END] ok'
    with Processes(workers=1) as executor:
        told, printed = run(script, {spoils.__name__: spoils, "prints": prints}, executor)
    assert told == {"a": ("returned", SPOILS.index(spoils) + 1), "b": ("returned", "words")}
    assert {*printed("b").splitlines()} == lines_of("words")


def test_of_a_flood_the_beginning_is_kept() -> None:
    with Processes(1) as pool:
        told, printed = run(
            "[CALL] a [HEAD] chatters() [END] [TRAP][END]", {"chatters": chatters}, pool
        )
    assert told["a"] == ("returned", 1)
    assert len(printed("a")) == 65_536


def test_what_cannot_be_carried_fails_its_call() -> None:
    script = "[CALL] a [HEAD] here() [END][CALL] b [HEAD] gives() [END] [TRAP] all [END]"
    with Processes(1) as pool:
        told, _ = run(script, {"here": lambda: 1, "gives": own_process}, pool)
        with pytest.raises(TypeError, match="cannot be carried"):
            pool.submit(threading.Lock).result()
    assert told["a"][0] == "failed"
    assert told["b"][0] == "returned"


def test_after_a_shutdown_nothing_is_taken_and_what_waits_may_be_dropped() -> None:
    pool = Processes(1)
    running, waiting = pool.submit(time.sleep, 0.3), pool.submit(own_process)
    time.sleep(0.1)
    pool.shutdown(cancel_futures=True)
    assert running.done()
    assert waiting.cancelled()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(own_process)


def test_a_host_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    program = tmp_path / "host.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, time
            from interpreter.executors import Processes

            if __name__ == "__main__":
                pool = Processes(1)
                print(pool.submit(os.getpid).result(), flush=True)
                pool.submit(time.sleep, 600)
                time.sleep(600)
            """
        ),
        encoding="utf-8",
    )
    host = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE)
    assert host.stdout is not None
    worker = int(host.stdout.readline())
    host.kill()
    host.communicate()
    wait_until(lambda: is_over(worker))


def test_a_process_goes_though_nobody_shut_its_pool_down(tmp_path: Path) -> None:
    program = tmp_path / "host.py"
    program.write_text(
        textwrap.dedent(
            """
            import time
            from interpreter.executors import Processes

            if __name__ == "__main__":
                Processes(1).submit(time.sleep, 600)
                time.sleep(0.5)
            """
        ),
        encoding="utf-8",
    )
    subprocess.run([sys.executable, program], check=True, timeout=60)


# ------------------------------------------------------------------------------- tools of a file

TOOLS = """
import functools
from typing import Literal

from interpreter.tools.declared import tool


class Adds:
    def __init__(self, more: int) -> None:
        self.more = more

    def __call__(self, x: int) -> int:
        "Add."
        return x + self.more


@tool(estimate_s=2)
async def later(unit: Literal["c", "f"]) -> str:
    "Later."
    return unit


def made(more):
    def inner(x: int) -> int:
        return x + more

    return inner


adds, closure, partly = Adds(1), made(2), functools.partial(Adds(0).__call__)
quick = lambda x: x
"""


def test_whatever_a_file_offers_is_told_alike_and_runs_apart(tmp_path: Path) -> None:
    path = tmp_path / "some_tools.py"
    path.write_text(TOOLS, encoding="utf-8")
    own = load_tools(path).functions
    carried = {name: ToolOfFile(path, name, function) for name, function in own.items()}
    script = (
        "[CALL] a [HEAD] adds(x=1) [END][CALL] b [HEAD] closure(x=1) [END][CALL] c [HEAD] partly(x=1) [END]"
        '[CALL] d [HEAD] quick(x=1) [END][CALL] e [HEAD] later(unit="c") [END]'
        '[CALL] f [HEAD] later(unit="k") [END] [TRAP] all [END]'
    )
    with Processes(1) as pool:
        apart, _ = run(script, carried, pool)
    here, _ = run(script, own, None)
    assert apart == here
    assert [value for _, value in apart.values()][:5] == [2, 3, 1, 1, "c"]
    assert 'unit: "k" is not one of' in apart["f"][1]["message"]
    with Runtime(ScriptedSession([]), carried) as runtime:
        assert runtime.settings.estimates_us == {"later": 2_000_000}


# ------------------------------------------------------------------------------- in threads


def test_prints_of_threads_and_coroutines_are_kept_apart(capsys) -> None:
    together = threading.Barrier(2)

    def says(word: str) -> str:
        for _ in range(100):
            print(word)
        together.wait(30)
        sys.stdout.buffer.write(word.encode())
        print(f"{word}!", file=sys.stderr)
        return word

    async def says_later(word: str) -> str:
        print(word)
        return word

    def lets_say() -> None:
        beside = threading.Thread(target=print, args=("a thread of its own",))
        beside.start()
        beside.join()

    script = (
        "[CALL] a [HEAD] says('A') [END][CALL] b [HEAD] says('B') [END][CALL] c [HEAD] says_later('C') [END]"
        "[CALL] d [HEAD] lets_say() [END] [TRAP] all [END]"
    )
    functions = {"says": says, "says_later": says_later, "lets_say": lets_say}
    with keeping_prints() as others:
        _, printed = run(script, functions, None)
        print("the host")
    assert [printed(call) for call in "abcd"] == [
        "A\n" * 100 + "AA!\n",
        "B\n" * 100 + "BB!\n",
        "C\n",
        "",
    ]
    assert others.printed == "a thread of its own\n"
    assert capsys.readouterr() == ("the host\n", "")


INTERRUPTED = """
import os, signal, threading
from interpreter.executors import Processes

def held_back() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())

if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: None)
    is_there = threading.Event()

    def interrupt() -> None:
        while not is_there.wait(0.003):
            os.killpg(0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with Processes(1) as pool:
        future = pool.submit(held_back)
        while not future.done():
            is_there.wait(0.01)
        is_there.set()
        print(future.result())
"""


def test_ctrl_c_while_workers_start_shows_no_traceback_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "host.py").write_text(INTERRUPTED)
    python = [sys.executable, "host.py"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(
        python,
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("False\n", "", 0)
