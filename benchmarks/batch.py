"""Sessions in one batch: throughput, latency, and what it saves that a trapped session has no row.

python benchmarks/batch.py [--tokens 32] [--rounds 3] [--dtype float32] [--call-s 4]

First: 1, 8 and 32 sessions, each in a thread of its own, in one batch, against one session after
another without a batch. Then 32 sessions that each decode, call a function that takes some seconds,
wait for it and decode again, with room for 8 at a time: asynchronous, where a session gives its place
up while it waits, against synchronous, where it keeps it. Times are of the clock on the wall, taken in
turn; the load of the machine is printed.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import median
from typing import get_args

from side_by_side import machine

from interpreter.session import Batch, EndOfDecoding
from model_adapters.embedded.smollm2 import fetch_embedded
from model_adapters.hf.batch import DecodingBatch
from model_adapters.hf.model import Dtype, HfModel, load
from model_adapters.hf.packed import with_packed_matrices
from model_adapters.hf.session import HfSession
from model_adapters.opening import Sampling
from model_adapters.prompt import Message

SIZES = (1, 8, 32)
PLACES = 8


def begin(model: HfModel, number: int, batch: DecodingBatch | None) -> HfSession:
    """A session that has read its prompt."""
    ask = [Message("user", f"Tell me a story about the number {number}.")]
    sampling = Sampling(temperature=0.8, seed=number)
    session = HfSession(model, ask, max_tokens=10_000, sampling=sampling, batch=batch)
    decode(session, 1)
    return session


def decode(session: HfSession, tokens: int) -> None:
    """Decode so many tokens, over any end."""
    while tokens > 0:
        if isinstance(session.decode(), EndOfDecoding):
            session.append(Batch(" And then"))
        tokens -= 1


def decoded_s(sessions: Sequence[HfSession], tokens: int) -> float:
    """Seconds in which all of them decode, each in a thread of its own."""
    with ThreadPoolExecutor(len(sessions)) as threads:
        begun = time.perf_counter()
        list(threads.map(lambda session: decode(session, tokens), sessions))
        return time.perf_counter() - begun


def throughput(
    model: HfModel, batch: DecodingBatch, tokens: int, rounds: int
) -> dict[str, list[float]]:
    """Tokens a second of all sessions together, by what decodes."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with closing(begin(model, 0, None)) as alone:
            found.setdefault("alone", []).append(tokens / decoded_s([alone], tokens))
        for size in SIZES:
            with ThreadPoolExecutor(size) as threads:
                sessions = list(threads.map(lambda n: begin(model, n, batch), range(size)))
            speed = size * tokens / decoded_s(sessions, tokens)
            found.setdefault(f"{size} in the batch", []).append(speed)
            for session in sessions:
                session.close()
    return found


def with_calls(
    model: HfModel, batch: DecodingBatch, tokens: int, call_s: float, *, keeps_place: bool
) -> tuple[float, float]:
    """Seconds of 32 sessions that call, and the median of one from its coming to its end."""
    places = threading.Semaphore(PLACES)

    def run(number: int) -> float:
        came = time.perf_counter()
        places.acquire()
        with closing(begin(model, number, batch)) as session:
            decode(session, tokens)
            session.suspend(round(call_s * 1e6))
            if not keeps_place:
                places.release()
            time.sleep(call_s)  # the function
            if not keeps_place:
                places.acquire()
            session.resume()
            session.append(Batch('[INTR] job1 [HEAD] {"celsius": 18} [END]'))
            decode(session, tokens)
        places.release()
        return time.perf_counter() - came

    begun = time.perf_counter()
    with ThreadPoolExecutor(max(SIZES)) as threads:
        latencies = list(threads.map(run, range(max(SIZES))))
    return time.perf_counter() - begun, median(latencies)


def in_turn(
    rounds: int, runs: dict[str, Callable[[], tuple[float, float]]]
) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", choices=get_args(Dtype), default="float32")
    parser.add_argument("--call-s", type=float, default=4.0)
    given = parser.parse_args()
    fetch_embedded()
    model = with_packed_matrices(load(dtype=given.dtype, threads=1))
    print(machine(), "load", *(f"{load:.1f}" for load in os.getloadavg()))
    print(model.in_words)
    with DecodingBatch(model) as batch:
        print("exact" if batch.exact else "not exact: products of matrices tell rows apart")
        speeds = throughput(model, batch, given.tokens, given.rounds)
        alone = median(speeds["alone"])
        for name, found in speeds.items():
            ratios = [a / b for a, b in zip(found, speeds["alone"], strict=True)]
            told = ", ".join(f"{ratio:.1f}" for ratio in ratios)
            print(
                f"{name}: {median(found):.1f} tokens/s, {median(found) / alone:.1f} times ({told})"
            )
        ways = {
            name: lambda keeps=keeps: with_calls(
                model, batch, given.tokens, given.call_s, keeps_place=keeps
            )
            for name, keeps in (("asynchronous", False), ("synchronous", True))
        }
        for name, times in in_turn(given.rounds, ways).items():
            took_s, one_s = (median(each) for each in zip(*times, strict=True))
            print(f"{name}: all after {took_s:.1f} s, the median session after {one_s:.1f} s")
    print("load", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
