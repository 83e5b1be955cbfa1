"""Commands of the command line that need the interpreter and no model."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import IO, Final, get_args

import click
import msgspec
from rich.console import Console
from rich.markup import escape

from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.explore import Exploration, Program, explore
from interpreter.explore.search import DEFAULT_LIMIT
from interpreter.explore.story import tell
from interpreter.gantt import gantt
from interpreter.replay import replay
from interpreter.state import EndPolicy, Settings
from interpreter.summary import summarize
from interpreter.trace import TraceError, encode_row, read_trace

TRACE: Final = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command("replay")
@click.argument("trace", type=TRACE)
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
        console = Console()
        console.print(gantt(summary, console.width))
        click.echo(
            f"{len(rows)} rows replayed in {summary.total_us / 1e6:.3f} s of virtual time: ",
            nl=False,
        )
        click.echo("the same" if same is None else f"row {same + 1} differs")
    sys.exit(0 if same is None else 1)


@click.command("diff")
@click.argument("first", type=TRACE)
@click.argument("second", type=TRACE)
@click.option("--context", "around", default=3, show_default=True, help="Rows before it to show.")
def diff_command(first: Path, second: Path, around: int) -> None:
    """Show the first row in which two traces differ, with the rows before it.

    Exit status 1 says that they differ.
    """
    console = Console(highlight=False)
    with _trace_lines(first) as left_lines, _trace_lines(second) as right_lines:
        left_header, left = read_trace(left_lines)
        right_header, right = read_trace(right_lines)
        if left_header.settings != right_header.settings:
            console.print("the headers differ: the sessions had other settings")
        before: list[str] = []
        for number, (a, b) in enumerate(zip_longest(left, right), start=1):
            if a != b:
                _show_difference(console, before[-around:] if around else [], number, a, b)
                sys.exit(1)
            before.append(f"  {number:5}  {_line(a)}")
    console.print(f"the same {len(before)} rows")


def _show_difference(
    console: Console, before: list[str], number: int, left: Row | None, right: Row | None
) -> None:
    for line in before:
        console.print(escape(line), style="dim", soft_wrap=True)
    console.print(escape(f"- {number:5}  {_line(left)}"), style="red", soft_wrap=True)
    console.print(escape(f"+ {number:5}  {_line(right)}"), style="green", soft_wrap=True)


def _line(row: Row | None) -> str:
    return "(the trace ends)" if row is None else encode_row(row).decode().rstrip()


@click.command("explore")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--messages", default=0, help="Messages that people may send, at any time.")
@click.option("--failures", is_flag=True, help="Every function may also fail.")
@click.option("--deadlines", is_flag=True, help="Every call may also run past its deadline.")
@click.option("--stops", is_flag=True, help="The host may stop the session at any time.")
@click.option("--workers", default=0, help="Calls that run at once; 0 for any number.")
@click.option("--end", type=click.Choice(get_args(EndPolicy)), default="drain", show_default=True)
@click.option("--limit", default=DEFAULT_LIMIT, show_default=True, help="Most states to visit.")
@click.option("--vector", type=click.Path(path_type=Path), help="Where to write a violation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def explore_command(
    file: IO[str],
    *,
    messages: int,
    failures: bool,
    deadlines: bool,
    stops: bool,
    workers: int,
    end: EndPolicy,
    limit: int,
    vector: Path | None,
    as_json: bool,
) -> None:
    """Try every interleaving of the program in FILE, what a model writes, and check every state.

    Decoding, returns and whatever the options allow may happen in any order. Exit status 1 says
    that an invariant is broken, or that the limit was reached first.
    """
    settings = Settings(end=end, workers=workers, deadline_us=1 if deadlines else None)
    try:
        program = Program(file.read(), settings, messages, stops, failures)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name}: not UTF-8 at byte {error.start}") from None
    found = explore(program, limit)
    if found.violation and vector:
        story = tell(vector.stem, found.violation.fault, found.violation.rows, settings)
        vector.write_bytes(msgspec.json.format(msgspec.json.encode(story), indent=1) + b"\n")
    if as_json:
        click.echo(msgspec.json.encode({"file": file.name, **_document(found)}).decode())
    else:
        _show_exploration(found)
    sys.exit(0 if found.complete else 1)


def _document(found: Exploration) -> dict[str, object]:
    document: dict[str, object] = msgspec.structs.asdict(found)
    return document | {"rules": sorted(found.rules)}


def _show_exploration(found: Exploration) -> None:
    click.echo(
        f"{found.states:,} states, {found.transitions:,} transitions, {found.endings:,} endings"
    )
    click.echo(f"rules that fired: {', '.join(sorted(found.rules))}")
    if found.violation:
        click.secho(f"violation: {found.violation.fault}", fg="red", err=True)
        for row in found.violation.rows:
            click.echo(f"  {_line(row)}", err=True)
    elif not found.complete:
        click.secho("the limit was reached: nothing is wrong so far", fg="yellow", err=True)
    else:
        click.secho("every invariant holds in every state", fg="green")


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
