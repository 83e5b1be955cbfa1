"""Measuring several things in one run, in turn, so that a busy machine slows all of them alike."""

import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

ROUNDS = 7


def medians_s(runs: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median CPU time of each run, in seconds; the runs take turns."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begin = time.process_time()
            run()
            taken[name].append(time.process_time() - begin)
    return {name: median(times) for name, times in taken.items()}


def machine() -> str:
    """Return the processor and the interpreter that figures come from."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = f"{len(models)} x {models[0]}" if models else platform.processor() or platform.machine()
    return f"{name}, {platform.python_implementation()} {platform.python_version()}"
