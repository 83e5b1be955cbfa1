"""What a process pays before its first call is read: the import, a valid call, one that is none.

Run `python benchmarks/start.py`. CPU time of processes of their own, medians.
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


@click.command()
def main() -> None:
    """Measure, and print one JSON document."""
    runs = []
    for _ in range(ROUNDS):
        found = subprocess.run([sys.executable, "-c", TIMED], capture_output=True, check=True)
        runs.append([float(seconds) for seconds in found.stdout.split()])
    names = ("import_cml_ms", "first_call_ms", "first_fault_ms")
    figures = {
        name: round(median(times) * 1e3, 1)
        for name, times in zip(names, zip(*runs, strict=True), strict=True)
    }
    click.echo(json.dumps({"machine": machine(), **figures}, indent=1))


if __name__ == "__main__":
    main()
