"""What it costs to call a function in a process of its own.

Run `python benchmarks/isolation.py`. Calls one after another, in turn: in threads, in `Processes`, and in
the standard library's pool of processes; then what a worker costs that has to be replaced. Wall
times, medians: what is measured is a round trip.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

import click
from side_by_side import machine

from interpreter.executors import Processes, WorkerLost
from interpreter.executors.threads import DaemonThreads
from interpreter.tools.calling import call_function

ROUNDS = 7
CALLS = 300
TEXT = "x" * 1_000_000


def echo(value: str) -> str:
    return value


def call_us(executor: Executor, value: str, calls: int) -> float:
    """Return microseconds of a call that gives a text back."""
    began = time.perf_counter()
    for _ in range(calls):
        executor.submit(call_function, echo, (value,), {}).result()
    return (time.perf_counter() - began) / calls * 1e6


def replaced_ms(pool: Processes) -> float:
    """Return milliseconds from a call that ends its worker to the end of the next one."""
    began = time.perf_counter()
    try:
        pool.submit(os._exit, 3).result()
    except WorkerLost:
        pool.submit(call_function, echo, ("",), {}).result()
    return (time.perf_counter() - began) * 1e3


def medians(measure: Callable[[Executor], float], pools: dict[str, Executor]) -> dict[str, float]:
    rounds: dict[str, list[float]] = {name: [] for name in pools}
    for _ in range(ROUNDS):
        for name, pool in pools.items():
            rounds[name].append(measure(pool))
    return {name: round(median(times), 1) for name, times in rounds.items()}


@click.command()
def main() -> None:
    """Measure, and print JSON."""
    with (
        DaemonThreads("cml-call") as threads,
        Processes(1) as processes,
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
    ):
        pools: dict[str, Executor] = {"threads": threads, "processes": processes, "a pool": pool}
        for each in pools.values():
            call_us(each, "", 5)
        short = medians(lambda one: call_us(one, "Oslo", CALLS), pools)
        long = medians(lambda one: call_us(one, TEXT, 10), pools)
        replaced = median(replaced_ms(processes) for _ in range(ROUNDS))
    found = {"short_us": short, "a_megabyte_us": long, "replaced_ms": round(replaced, 1)}
    click.echo(json.dumps({"machine": machine(), **found}, indent=1))


if __name__ == "__main__":
    main()
