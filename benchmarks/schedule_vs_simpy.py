"""How fast is the simulator's inner loop? The same runs on SimPy, with event callbacks.

Both play Async under the same plan and the same priority, laid out beforehand, so only the loops
are compared. The makespans must be equal, or the program ends with status 1.

Run from the repository root, with SimPy installed:
    python benchmarks/schedule_vs_simpy.py
"""

import sys
from collections.abc import Callable
from functools import partial
from heapq import heapify, heappop, heappush
from time import perf_counter
from typing import cast

import simpy

from interpreter.schedule.costs import PRESETS
from interpreter.schedule.data.synthetic import FAMILIES, make_synthetic
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.asynchronous import inverse, run_async
from interpreter.schedule.plan import Plan, build_plan
from interpreter.schedule.policies.keys import priorities

Case = tuple[Plan, list[int]]


class SimpyRun:
    """Async on a SimPy environment: one timeout for each writing, trap and return."""

    def __init__(self, plan: Plan, priority: list[int]) -> None:
        self.plan = plan
        self.priority = priority
        self.by_priority = inverse(priority)
        self.waiting = plan.waiting.copy()
        self.ready = [priority[call] for call in range(plan.size) if not plan.waiting[call]]
        heapify(self.ready)
        self.returned: list[int] = []
        self.left = plan.size
        self.trapped = False
        self.makespan_us = 0
        self.environment = simpy.Environment()
        self.free = plan.workers
        self.queue: list[int] = []

    def play(self) -> int:
        """Run to the end and give the makespan, in microseconds."""
        self.decide()
        self.environment.run()
        return self.makespan_us + self.plan.answer_us

    def decide(self) -> None:
        """Write the first ready call, or trap."""
        if self.ready:
            call = self.by_priority[heappop(self.ready)]
            written = self.environment.timeout(self.plan.generate_us[call], call)
            written.callbacks.append(self.on_written)
        else:
            trap = self.environment.timeout(self.plan.trap_us)
            trap.callbacks.append(self.on_trapped)

    def on_written(self, event: simpy.Event) -> None:
        """Start the call and come to a boundary."""
        call = cast("int", event.value)
        returns = self.environment.timeout(self.plan.execute_us[call], call)
        returns.callbacks.append(self.on_return)
        self.boundary()

    def on_trapped(self, _: simpy.Event) -> None:
        """Come to a boundary now, or at the next return."""
        if self.returned:
            self.boundary()
        else:
            self.trapped = True

    def on_return(self, event: simpy.Event) -> None:
        """Note a return; it ends a trap that waits."""
        self.returned.append(cast("int", event.value))
        if self.trapped:
            self.trapped = False
            self.boundary()

    def boundary(self) -> None:
        """Deliver what is due, then decide."""
        for call in self.returned:
            self.left -= 1
            for other in self.plan.successors[call]:
                self.waiting[other] -= 1
                if not self.waiting[other]:
                    heappush(self.ready, self.priority[other])
        self.returned.clear()
        if self.left:
            self.decide()
        else:
            self.makespan_us = int(self.environment.now)


def make_cases(size: int, count: int) -> list[Case]:
    """Plans and priorities of synthetic workloads under the local preset."""
    costs = PRESETS["llama-3.2-3b-rtx4090"]
    plans = [
        build_plan(build_graph(workload), costs, "async")
        for family in FAMILIES
        for workload in make_synthetic(family, count, size=size)
    ]
    return [(plan, priorities(plan, "fan-tail")) for plan in plans]


def measure(play: Callable[[], list[int]], calls: int) -> tuple[float, list[int]]:
    """Least microseconds for each call over nine rounds, and the makespans."""
    rounds: list[float] = []
    makespans: list[int] = []
    for _ in range(9):
        begin = perf_counter()
        makespans = play()
        rounds.append(perf_counter() - begin)
    return min(rounds) * 1e6 / calls, makespans


def play_simpy(cases: list[Case]) -> list[int]:
    """All runs on SimPy."""
    return [SimpyRun(plan, priority).play() for plan, priority in cases]


def play_ours(cases: list[Case]) -> list[int]:
    """All runs on the simulator's inner loop."""
    return [run_async(plan, priority).makespan_us for plan, priority in cases]


def main() -> int:
    """Print a table; status 1 when any makespan differs."""
    print(f"{'calls':>5} {'runs':>5} {'SimPy':>8} {'ours':>8}  (µs/call)")
    for size, count in ((5, 200), (18, 100), (200, 10)):
        cases = make_cases(size, count)
        calls = sum(plan.size for plan, _ in cases)
        simpy_us, expected = measure(partial(play_simpy, cases), calls)
        ours_us, ours = measure(partial(play_ours, cases), calls)
        ratio = f"{simpy_us / ours_us:.1f}x"
        print(f"{size:>5} {len(cases):>5} {simpy_us:>8.2f} {ours_us:>8.2f} ({ratio})")
        if expected != ours:
            print("makespans differ", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
