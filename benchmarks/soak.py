"""Days of sessions with faults by chance, under a virtual clock: none may lose a call or its answer.

Run `python benchmarks/soak.py --days 3650 --seed 1`. The same seed gives the same days, to the last byte of
every row (`digest`); a session that fails is named, and how to repeat it alone.
"""

import time

import click
import msgspec
from side_by_side import machine

from interpreter.testing import soak


@click.command()
@click.option("--days", default=3_650.0, show_default=True, help="Virtual days of all sessions.")
@click.option("--seed", default=1, show_default=True, help="Seed of all that happens.")
@click.option("--first", default=0, show_default=True, help="The session to begin with.")
def main(days: float, seed: int, first: int) -> None:
    """Soak, and print JSON."""
    began = time.process_time()
    soaked = soak(seed, days, first)
    spent_s = round(time.process_time() - began, 1)
    found = {"machine": machine(), "cpu_s": spent_s, **msgspec.to_builtins(soaked)}
    click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())


if __name__ == "__main__":
    main()
