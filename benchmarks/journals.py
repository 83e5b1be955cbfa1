"""What it costs to write an instant to a journal: a file, SQLite, PostgreSQL.

Run `python benchmarks/journals.py [postgresql://…]`. Each in turn writes the same instant, a symbol of
text, many times: handed to the system, and on the disk. Wall times, medians: what is measured is a wait.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click
from side_by_side import machine

from interpreter import Runtime, ScriptedSession
from interpreter.events import Row
from interpreter.journals import open_journals
from interpreter.trace import Flush, Header, journal

ROUNDS = 7
INSTANTS = 100
HEADER = Header(1, clock="real")

Write = Callable[[Sequence[Row]], None]


def instant() -> Sequence[Row]:
    """Return the rows of a symbol of text."""
    kept: list[Sequence[Row]] = []
    with Runtime(ScriptedSession(["So ", "it ", "is."]), {}, journal=kept.append) as runtime:
        list(runtime.run())
    return kept[2]


def written_us(write: Write, rows: Sequence[Row]) -> float:
    began = time.perf_counter()
    for _ in range(INSTANTS):
        write(rows)
    return (time.perf_counter() - began) / INSTANTS * 1e6


def opened(folder: Path, url: str | None, stack: ExitStack) -> dict[str, Write]:
    places: dict[str, Write] = {}
    flushes: tuple[Flush, ...] = ("system", "disk")
    for flush in flushes:
        file = stack.enter_context((folder / f"{flush}.jsonl").open("wb"))
        places[f"file, {flush}"] = journal(file, HEADER, flush=flush)
        journals = open_journals(f"sqlite:{folder / flush}.db", flush=flush)
        stack.enter_context(journals)
        places[f"sqlite, {flush}"] = journals.begin("one", HEADER).write
    if url is not None:
        journals = stack.enter_context(open_journals(url))
        places["postgresql"] = journals.begin(f"benchmark {time.time()}", HEADER).write
    return places


@click.command()
@click.argument("url", required=False)
def main(url: str | None) -> None:
    """Measure, and print JSON."""
    rows = instant()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        places = opened(Path(folder), url, stack)
        rounds: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(ROUNDS):
            for name, write in places.items():
                rounds[name].append(written_us(write, rows))
    found = {name: round(median(times), 1) for name, times in rounds.items()}
    click.echo(json.dumps({"machine": machine(), "instant_us": found}, indent=1))


if __name__ == "__main__":
    main()
