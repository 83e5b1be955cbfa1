"""`cml validate` of a long trace: how fast, and that memory does not grow with the file.

Run `python benchmarks/validate_trace.py --megabytes 1000`. It records a session of a scripted
model under the virtual clock, and validates the file in a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from cml import OutcomeKind
from interpreter import ScriptedSession, run_virtual
from interpreter.events import Outcome, Start
from interpreter.trace import Header, encode_header, encode_row

PROSE = "Nothing of note happened in this part of a very long session, so it goes on. " * 25
ROW_BYTES = 2_200
PROSE_TO_A_CALL = 60


def pieces(rows: int) -> Iterator[str]:
    """Yield what the model decodes: prose, and now and then a call."""
    for number in range(rows):
        yield PROSE
        if number % PROSE_TO_A_CALL == 0:
            yield f"[CALL] c{number} [HEAD] f({number}) [END]"


def answer(_: Start) -> list[tuple[int, Outcome]]:
    """Every call returns after a tenth of a second."""
    return [(100_000, Outcome(OutcomeKind.RETURNED, "done"))]


def record(path: Path, megabytes: float) -> int:
    """Write a trace of about so many megabytes; return its size in bytes."""
    header = Header(1)
    with path.open("wb") as file:
        file.write(encode_header(header))
        session = ScriptedSession(pieces(int(megabytes * 1e6 / ROW_BYTES)))
        for row in run_virtual(session, answer, header.settings):
            file.write(encode_row(row))
    return path.stat().st_size


def validate(path: Path) -> tuple[float, float, int]:
    """Validate a file in a process of its own; return CPU seconds, peak megabytes, exit status."""
    code = "from model_adapters.commands.cli import main; main()"
    command = [sys.executable, "-c", code, "validate", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


@click.command()
@click.option("--megabytes", default=100.0, help="Size of the long trace.")
def main(megabytes: float) -> None:
    """Measure a trace of 1 MB and a long one, and print one JSON document."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in (1.0, megabytes):
            path = Path(folder) / f"{size:g}.jsonl"
            written_mb = record(path, size) / 1e6
            taken_s, peak_mb, status = validate(path)
            figures |= {
                f"{size:g}_mb_written": written_mb,
                f"{size:g}_mb_peak_mb": peak_mb,
                f"{size:g}_mb_per_s": written_mb / taken_s,
                f"{size:g}_mb_exit_status": status,
            }
    click.echo(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
