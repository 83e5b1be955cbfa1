"""What many sessions in one process cost: events a second, memory for each, and that none is lost.

Run `python benchmarks/many_sessions.py --sessions 10000`. Each session plays a script that starts ten
calls, waits for all and answers; calls are coroutines, and traces are written to a file for each. One
peer is what nothing can go below: bare asyncio tasks that await the same functions, with no language,
machine, trace or context. The other is the machine alone: the virtual driver, session by session.
One session is played before, so that what is loaded once for all counts for none. Each measurement
has a process of its own; events are counted as the trace counts them, rows with an event.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from rich.console import Console
from rich.table import Table
from side_by_side import machine

from cml.ast import OutcomeKind
from interpreter import (
    Batch,
    EndOfDecoding,
    Piece,
    ScriptedSession,
    Sessions,
    Settings,
    run_virtual,
)
from interpreter.drivers.driver import Journal, forget
from interpreter.events import Inject, Outcome, Row
from interpreter.trace import Header, encode_row, journal

if TYPE_CHECKING:
    from interpreter.drivers.telemetry import Telemetry

CALLS: Final = 10
SELDOM: Final = 100_000
"""How many objects more there are before the collector of garbage looks, where that is seldom: what a
host of thousands of sessions sets (docs/operations.md)."""
SETTINGS: Final = Settings(functions=("weather",))
One: TypeAlias = "Callable[[Counted, str, Path], Coroutine[object, object, None]]"
"""Plays one session: what counts it, of which kind it is, and where its trace goes."""
KINDS: Final = (
    "bare tasks",
    "virtual driver",
    "no trace",
    "traces",
    "traces, seldom collected",
    "traces, one thread decodes",
    "metrics",
)


def script() -> tuple[str, ...]:
    written: list[str] = []
    for number in range(CALLS):
        written += [
            "Let me",
            " look. ",
            "[CALL]",
            f" j{number} ",
            "[HEAD]",
            " weather(city=",
            '"Oslo"',
        ]
        written += [")", " [END]", " and", " so on. "]
    return (*written, "[TRAP]", " all ", "[END]", " It is", " fine", " there.")


PIECES: Final = script()


class NoContext(ScriptedSession):
    """A script that keeps no context: what is measured is what stands round the model."""

    def decode(self) -> Piece | EndOfDecoding:
        """Play the next piece."""
        piece = super().decode()
        self._parts.clear()
        return piece

    def append(self, batch: Batch) -> int:
        """Append nothing."""
        return len(batch.interrupts)


class Counted:
    """What has happened in all sessions; no call returns before all of them run."""

    def __init__(self, calls: int) -> None:
        self.called = self.told = self.events = 0
        self.all_run = asyncio.Event()
        self.gate = asyncio.Event()
        self._calls = calls

    async def weather(self, city: str) -> dict[str, int]:
        """Tell the weather."""
        self.called += 1
        if self.called == self._calls:
            self.all_run.set()
        await self.gate.wait()
        return {city: 18}

    def counting(self, write: Journal) -> Journal:
        """Return a journal that counts what another one writes."""

        def count(rows: Sequence[Row]) -> None:
            for row in rows:
                if row.event is not None:
                    self.events += 1
                elif row.effects and isinstance(went_in := row.effects[0], Inject):
                    self.told += len(went_in.interrupts)
            write(rows)

        return count


def resident() -> int:
    """Memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Memory:
    """What is held since this was made, by the system or by `tracemalloc`.

    Attributes:
        looking_s: CPU time that was spent looking: garbage is collected first.
    """

    def __init__(self, *, is_traced: bool) -> None:
        gc.collect()
        self.looking_s = 0.0
        self._before = resident()
        if is_traced:
            tracemalloc.start()

    def held(self) -> int:
        """In bytes."""
        begin_s = time.process_time()
        gc.collect()
        is_traced = tracemalloc.is_tracing()
        held = tracemalloc.get_traced_memory()[0] if is_traced else resident() - self._before
        self.looking_s += time.process_time() - begin_s
        return held


async def bare(counted: Counted, _: str, __: Path) -> None:
    await asyncio.gather(*(counted.weather("Oslo") for _ in range(CALLS)))


def one_after_another(count: int) -> dict[str, float]:
    """Play the same script under the virtual clock, with rows encoded: the machine and no more."""
    begin_s, events, told = time.process_time(), 0, 0
    answer = Outcome(OutcomeKind.RETURNED, {"Oslo": 18})
    for _ in range(count):
        for row in run_virtual(NoContext(PIECES), lambda _: [(1_000_000, answer)], SETTINGS):
            encode_row(row)
            events += row.event is not None
            told += sum(len(e.interrupts) for e in row.effects if isinstance(e, Inject))
    cpu_s, lost = time.process_time() - begin_s, count * CALLS - told
    return {"cpu_s": cpu_s, "events": events, "lost": lost, "bytes": 0, "call_bytes": 0}


def opened_by(sessions: Sessions, telemetry: "Telemetry | None") -> One:
    async def one(counted: Counted, kind: str, file: Path) -> None:
        functions = {"weather": counted.weather}
        with contextlib.ExitStack() as stack:
            write: Journal = forget
            if kind != "no trace":
                opened = stack.enter_context(file.open("wb", buffering=0))
                write = journal(opened, Header(1, SETTINGS, "real"))
            if telemetry is not None:
                write = telemetry.journal(functions, None, write)
            write = counted.counting(write)
            async with sessions.open(NoContext(PIECES), functions, journal=write) as session:
                assert await session.complete() == "stop"

    return one


async def played_before(one: One, kind: str, file: Path) -> None:
    """Play a session that is not counted."""
    counted = Counted(CALLS)
    counted.gate.set()
    await one(counted, kind, file)


def telemetry_in_memory() -> "Telemetry":
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    from interpreter.drivers.telemetry import Telemetry

    return Telemetry(meters=MeterProvider([InMemoryMetricReader()]), tracers=TracerProvider())


async def load(kind: str, count: int, *, is_traced: bool) -> dict[str, float]:
    """Run sessions side by side; measure when all of their calls run, and at the end."""
    counted = Counted(count * CALLS)
    decoder = None if kind.endswith("decodes") else "at once"
    telemetry = telemetry_in_memory() if kind == "metrics" else None
    if kind == "traces, seldom collected":
        gc.set_threshold(SELDOM)
    with tempfile.TemporaryDirectory() as folder:
        async with Sessions(decoder=decoder, most_open=count) as sessions:
            one = bare if kind == "bare tasks" else opened_by(sessions, telemetry)
            await played_before(one, kind, Path(folder, "before.jsonl"))
            memory, begin_s = Memory(is_traced=is_traced), time.process_time()
            tasks = [
                asyncio.create_task(one(counted, kind, Path(folder, f"{number}.jsonl")))
                for number in range(count)
            ]
            await asyncio.sleep(0)
            held = memory.held()
            await counted.all_run.wait()
            running = memory.held()
            counted.gate.set()
            await asyncio.gather(*tasks)
            cpu_s = time.process_time() - begin_s - memory.looking_s
    told = counted.called if kind == "bare tasks" else counted.told
    return {
        "cpu_s": cpu_s,
        "events": counted.events,
        "lost": count * CALLS - told,
        "bytes": held / count,
        "call_bytes": (running - held) / count / CALLS,
    }


def measured(kind: str, count: int, *, is_traced: bool = False) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, "--kind", kind, "--sessions", str(count)]
    command += ["--traced"] if is_traced else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def show(count: int) -> None:
    table = Table(
        "what",
        "CPU s",
        "events",
        "events a second",
        "µs a call",
        "bytes a session",
        "bytes a call",
        "lost",
    )
    for kind in KINDS:
        found = measured(kind, count)
        events = found["events"]
        table.add_row(
            kind,
            f"{found['cpu_s']:.1f}",
            f"{events:,.0f}",
            f"{events / found['cpu_s']:,.0f}",
            f"{found['cpu_s'] / count / CALLS * 1e6:,.0f}",
            f"{found['bytes']:,.0f}",
            f"{found['call_bytes']:,.0f}",
            f"{found['lost']:,.0f}",
        )
    console = Console()
    console.print(machine())
    console.print(f"{count:,} sessions, {count * CALLS:,} calls, all of them running at once")
    console.print(table)
    counted = measured("no trace", min(count, 1_000), is_traced=True)
    console.print(f"by tracemalloc: {counted['bytes']:,.0f} bytes a session")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--traced", action="store_true")
    given = parser.parse_args()
    if given.kind is None:
        show(given.sessions)
        return
    if given.kind == "virtual driver":
        sys.stdout.write(json.dumps(one_after_another(given.sessions)))
        return
    found = asyncio.run(load(given.kind, given.sessions, is_traced=given.traced))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
