"""What a process pays before its first call is read, and `cml run` before its first token.

Run `python benchmarks/start.py`, and with `--model` for the embedded model, which has to be in the
cache, in both backends. CPU time of processes of their own, medians; a model's steps are those that
`cml run` shows, with the time of the clock beside.
"""

import json
import subprocess
import sys
from statistics import median

import click
from side_by_side import machine

ROUNDS = 7
TIMED = """
import time
begin = time.process_time()
import cml
imported = time.process_time()
cml.parse("[CALL] a [HEAD] f(x=1) [END]")
valid = time.process_time()
cml.parse("[CALL] a [HEAD] f(x=) [END]")
print(imported - begin, valid - imported, time.process_time() - valid)
"""
MODEL_ROUNDS = 3
TIMED_MODEL = """
import logging, sys, time
steps = [("importing the command", time.process_time(), time.perf_counter())]
class Steps(logging.Handler):
    def emit(self, record):
        steps.append((record.getMessage(), time.process_time(), time.perf_counter()))
logging.getLogger("cml").addHandler(Steps())
logging.getLogger("cml").setLevel(logging.INFO)
import model_adapters.commands.run
from model_adapters.backends import Request, open_backend
def get_time(city: str) -> str:
    'Tell the local time in a city.'
opened = open_backend(Request(sys.argv[1], "What time is it in Oslo?", {"get_time": get_time}))
opened.session.decode()
steps.append(("", time.process_time(), time.perf_counter()))
for (name, cpu_s, wall_s), (_, then_cpu_s, then_s) in zip(steps, steps[1:]):
    print(name.split(",")[0], then_cpu_s - cpu_s, then_s - wall_s, sep="|")
"""


def first_calls() -> dict[str, float]:
    """Return milliseconds of CPU time up to the first calls."""
    runs = []
    for _ in range(ROUNDS):
        found = subprocess.run([sys.executable, "-c", TIMED], capture_output=True, check=True)
        runs.append([float(seconds) for seconds in found.stdout.split()])
    names = ("import_cml_ms", "first_call_ms", "first_fault_ms")
    return {
        name: round(median(times) * 1e3, 1)
        for name, times in zip(names, zip(*runs, strict=True), strict=True)
    }


def first_token(backend: str) -> dict[str, dict[str, float]]:
    """Return seconds of CPU and of the clock for each step up to a model's first token."""
    taken: dict[str, list[tuple[float, float]]] = {}
    for _ in range(MODEL_ROUNDS):
        command = [sys.executable, "-c", TIMED_MODEL, backend]
        found = subprocess.run(command, capture_output=True, check=True, text=True)
        for line in found.stdout.splitlines():
            step, cpu_s, wall_s = line.split("|")
            taken.setdefault(step, []).append((float(cpu_s), float(wall_s)))
    found = {
        step: {
            "cpu_s": round(median(cpu for cpu, _ in times), 2),
            "wall_s": round(median(wall for _, wall in times), 2),
        }
        for step, times in taken.items()
    }
    total = {
        kind: round(sum(step[kind] for step in found.values()), 2) for kind in ("cpu_s", "wall_s")
    }
    return {**found, "all": total}


@click.command()
@click.option("--model", is_flag=True, help="Measure also the embedded model.")
def main(*, model: bool) -> None:
    """Measure, and print one JSON document."""
    figures: dict[str, object] = {"machine": machine(), **first_calls()}
    if model:
        figures["cml_run"] = {name: first_token(name) for name in ("llamacpp", "hf")}
    click.echo(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
