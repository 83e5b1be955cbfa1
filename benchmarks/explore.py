"""What exploring a program costs: calls that do not need each other, with and without the reduction.

Run `python benchmarks/explore.py`. CPU time; the full search is asked for up to five calls.
"""

import time

from rich.console import Console
from rich.table import Table
from side_by_side import machine

from interpreter.explore import Exploration, Program, explore

FULL_UP_TO = 5
CALLS = "abcdefgh"
LIMIT = 1_000_000


def program(calls: int) -> Program:
    started = "".join(f"[CALL] {name} [HEAD] f() [END]" for name in CALLS[:calls])
    return Program(f"{started} x [TRAP] all [END] y")


def timed(calls: int, *, full: bool) -> tuple[Exploration, float]:
    begin = time.process_time()
    found = explore(program(calls), LIMIT, full=full)
    return found, time.process_time() - begin


def main() -> None:
    table = Table(
        "calls", "states", "seconds", "states, full", "seconds, full", "full over reduced"
    )
    for calls in range(1, len(CALLS) + 1):
        found, taken_s = timed(calls, full=False)
        row = [str(calls), f"{found.states:,}", f"{taken_s:.2f}"]
        if calls <= FULL_UP_TO:
            every, full_s = timed(calls, full=True)
            row += [f"{every.states:,}", f"{full_s:.2f}", f"{full_s / taken_s:.1f}"]
        table.add_row(*row)
    console = Console()
    console.print(machine())
    console.print(table)


if __name__ == "__main__":
    main()
