"""Commands of the command line that need the interpreter and no model."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
import msgspec
from rich.console import Console

from interpreter.errors import HostError
from interpreter.gantt import gantt
from interpreter.replay import replay
from interpreter.summary import summarize
from interpreter.trace import TraceError, encode_row, read_trace


@click.command("replay")
@click.argument("trace", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def replay_command(trace: Path, *, as_json: bool) -> None:
    """Run a recorded session again under the virtual clock, and compare the rows.

    TRACE is a trace as `cml run` or `cml simulate` writes it. Nothing is decoded and no function
    is called: the recording answers. Exit status 1 says that the rows differ.
    """
    with _trace_lines(trace) as lines:
        header, recorded = read_trace(lines)
        rows = list(recorded)
    try:
        replayed = list(replay(header.settings, rows))
    except HostError as error:
        raise click.ClickException(f"{trace}: {error}") from None
    pairs = zip(rows, replayed, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if encode_row(a) != encode_row(b)), None)
    if same is None and len(rows) != len(replayed):
        same = min(len(rows), len(replayed))
    summary = summarize(replayed)
    if as_json:
        document = {"rows": len(rows), "same": same is None, "total_us": summary.total_us}
        click.echo(msgspec.json.encode(document).decode())
    else:
        Console().print(gantt(summary))
        click.echo(
            f"{len(rows)} rows replayed in {summary.total_us / 1e6:.3f} s of virtual time: ",
            nl=False,
        )
        click.echo("the same" if same is None else f"row {same + 1} differs")
    sys.exit(0 if same is None else 1)


@contextmanager
def _trace_lines(path: Path) -> Iterator[IO[bytes]]:
    """Open a trace; what is wrong with it becomes a message with its name."""
    try:
        with click.open_file(str(path), "rb") as lines:
            yield lines
    except TraceError as error:
        raise click.ClickException(f"{path}: {error}") from None
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
