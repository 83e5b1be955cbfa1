"""`cml validate` and `cml replay` of long traces: how fast, and that memory does not grow with rows.

Run `python benchmarks/traces.py --megabytes 20`. It records sessions of a scripted model under the
virtual clock: one whose rows hold 2,200 bytes, and one whose rows hold a word each, as those of a
model do. Each file is read in a process of its own; decoding the same JSON is the peer.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from side_by_side import machine

from cml import OutcomeKind
from interpreter import ScriptedSession, run_virtual
from interpreter.events import Outcome, Start
from interpreter.trace import Header, encode_header, encode_row

PROSE = "Nothing of note happened in this part of a very long session, so it goes on. " * 25
WORDS = [" and", " so", " on", ",", " word", " after", " word", ";"]
ROW_BYTES = {"2,200 bytes": 2_200, "a word": 190}
PROSE_TO_A_CALL = 60


def pieces(text_of: Callable[[int], str]) -> Iterator[str]:
    """Yield what the model decodes, without end: prose, and now and then a call."""
    number = 0
    while True:
        yield text_of(number)
        if number % PROSE_TO_A_CALL == 0:
            yield f"[CALL] c{number} [HEAD] f({number}) [END]"
        number += 1


def answer(_: Start) -> list[tuple[int, Outcome]]:
    """Every call returns after a tenth of a second."""
    return [(100_000, Outcome(OutcomeKind.RETURNED, "done"))]


def record(path: Path, kind: str, megabytes: float) -> None:
    """Write a trace of about so many megabytes."""
    count = int(megabytes * 1e6 / ROW_BYTES[kind])
    text_of = (lambda _: PROSE) if kind == "2,200 bytes" else (lambda n: WORDS[n % len(WORDS)])
    header = Header(1)
    with path.open("wb") as file:
        file.write(encode_header(header))
        endless = pieces(text_of)
        session = ScriptedSession(next(endless) for _ in range(count))
        for row in run_virtual(session, answer, header.settings):
            file.write(encode_row(row))


def in_a_process(command: str, path: Path) -> tuple[float, float]:
    """Run a command on a file in a process of its own; return CPU seconds and peak megabytes."""
    code = "from model_adapters.commands.cli import main; main()"
    words = [sys.executable, "-c", code, command, str(path)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"cml {command} {path}: it did not end well")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def decode_s(path: Path) -> float:
    """Return how long it takes to decode the lines as JSON, with msgspec and no type."""
    begin = time.process_time()
    with path.open("rb") as file:
        for line in file:
            msgspec.json.decode(line)
    return time.process_time() - begin


@click.command()
@click.option("--megabytes", default=20.0, help="Size of the long traces.")
def main(megabytes: float) -> None:
    """Measure traces of 1 MB and long ones, and print a table."""
    table = Table("a row", "command", "MB/s", "over decoding", "peak MB after 1 MB", "after all")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ROW_BYTES:
            short, long = Path(folder) / "short.jsonl", Path(folder) / "long.jsonl"
            record(short, kind, 1.0)
            record(long, kind, megabytes)
            megabytes_written = long.stat().st_size / 1e6
            decoded_s = decode_s(long)
            for command in ("validate", "replay"):
                _, small_mb = in_a_process(command, short)
                taken_s, peak_mb = in_a_process(command, long)
                speed, ratio = megabytes_written / taken_s, taken_s / decoded_s
                cells = f"{speed:.1f}", f"{ratio:.1f}", f"{small_mb:.0f}", f"{peak_mb:.0f}"
                table.add_row(kind, command, *cells)
    console = Console()
    console.print(f"{machine()}; CPU time, the start of the process included")
    console.print(table)


if __name__ == "__main__":
    main()
