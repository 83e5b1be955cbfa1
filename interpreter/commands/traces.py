"""Commands of the command line that need the interpreter and no model."""

import sys
from collections.abc import Iterable
from itertools import tee, zip_longest
from pathlib import Path
from typing import get_args

import click
import msgspec
from rich.console import Console
from rich.text import Text

import cml.tools.commands
from cml.terminal.files import INPUT_FILE, OUTPUT_FILE, read_text, writing
from cml.terminal.foreign import visible
from cml.terminal.options import json_option
from cml.terminal.output import name_of, print_json, print_text
from cml.terminal.styled import console
from cml.terminal.uncollected import uncollected
from cml.wording import counted
from interpreter.commands.comparing import Comparison, compare
from interpreter.commands.gantt import gantt
from interpreter.commands.trace_files import reading_trace
from interpreter.drivers.replay import replay
from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.explore import Exploration, Program, explore
from interpreter.explore.search import DEFAULT_LIMIT
from interpreter.explore.story import tell
from interpreter.runs import Run, RunReader
from interpreter.state import EndPolicy, Settings
from interpreter.trace import bounded_lines, check_trace, encode_row

validate_command = cml.tools.commands.validate_command(
    lambda begun, file: check_trace(bounded_lines(file, begun))
)


@click.command("replay")
@click.argument("trace", type=INPUT_FILE)
@json_option
def replay_command(trace: str, *, as_json: bool) -> None:
    """Run a recorded session again under the virtual clock, and compare the rows.

    TRACE is a trace as `cml run` writes it. Nothing is decoded and no function is called: the
    recording answers. Exit status 1 says that the rows differ.
    """
    try:
        with reading_trace(trace) as (header, rows):
            again = _replay(header.settings, rows)
    except HostError as error:
        message = f"the recording breaks off, or is none of a session: {error}"
        raise click.ClickException(f"{trace}: {message}; cml validate says in which row") from None
    run, is_same = again.run, again.differs_at is None
    if as_json:
        print_json({"rows": again.rows, "same": is_same, "total_us": run.total_us})
    else:
        out = console()
        out.print(gantt(run, out.width))
        seconds = f"{run.total_us / 1e6:.3f} s of virtual time"
        found = "the same" if is_same else f"row {again.differs_at} differs"
        print_text(f"{counted(again.rows, 'row')} replayed in {seconds}: {found}")
    sys.exit(0 if is_same else 1)


class _Again(msgspec.Struct, frozen=True):
    """A replay beside its recording.

    Args:
        run: What was replayed.
        rows: How many rows the recording has.
        differs_at: The first row that differs, from 1.
    """

    run: Run
    rows: int
    differs_at: int | None


def _replay(settings: Settings, recorded: Iterable[Row]) -> _Again:
    """Replay a recording and compare, a row at a time: neither is ever held whole."""
    recorded, compared = tee(recorded)
    reader = RunReader(settings)
    rows, differs_at = 0, None
    for number, (before, after) in enumerate(
        zip_longest(compared, replay(settings, recorded)), start=1
    ):
        if before is not None:
            rows = number
        if after is not None:
            reader.take(after)
        if differs_at is None and not _is_same(before, after):
            differs_at = number
    return _Again(reader.run, rows, differs_at)


def _is_same(left: Row | None, right: Row | None) -> bool:
    return left is not None and right is not None and encode_row(left) == encode_row(right)


@click.command("diff")
@click.argument("first", type=INPUT_FILE)
@click.argument("second", type=INPUT_FILE)
@click.option(
    "--context",
    "around",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Rows before it to show.",
)
def diff_command(first: str, second: str, around: int) -> None:
    """Show the first row in which two traces differ, with the rows before it.

    Exit status 1 says that they differ.
    """
    with reading_trace(first) as left_trace, reading_trace(second) as right_trace:
        (left_header, left), (right_header, right) = left_trace, right_trace
        if left_header.settings != right_header.settings:
            print_text("the headers differ: the sessions had other settings")
        compared = compare(left, right, around=around)
    if compared.parts_at is None:
        print_text(f"the same {counted(compared.same, 'row')}")
    else:
        _show_difference(console(), compared)
        sys.exit(1)


def _show_difference(out: Console, compared: Comparison) -> None:
    number = compared.same + 1
    for at, row in enumerate(compared.before, start=number - len(compared.before)):
        out.print(Text(f"  {at:5}  {_line(row)}", "dim"), soft_wrap=True)
    out.print(Text(f"- {number:5}  {_line(compared.left)}", "red"), soft_wrap=True)
    out.print(Text(f"+ {number:5}  {_line(compared.right)}", "green"), soft_wrap=True)


def _line(row: Row | None) -> str:
    return "(the trace ends)" if row is None else visible(encode_row(row).decode().rstrip())


@click.command("explore")
@click.argument("file", type=INPUT_FILE)
@click.option(
    "--messages",
    type=click.IntRange(min=0),
    default=0,
    help="Messages that people may send, at any time.",
)
@click.option("--failures", is_flag=True, help="Every function may also fail.")
@click.option("--deadlines", is_flag=True, help="Every call may also run past its deadline.")
@click.option("--stops", is_flag=True, help="The host may stop the session at any time.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    help="Calls that run at once; 0 for any number.",
)
@click.option("--end", type=click.Choice(get_args(EndPolicy)), default="drain", show_default=True)
@click.option("--full", is_flag=True, help="Try also the orders that no rule can tell apart.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="Most states to visit.",
)
@click.option("--vector", type=OUTPUT_FILE, help="Where to write a violation.")
@json_option
def explore_command(
    file: str,
    *,
    messages: int,
    failures: bool,
    deadlines: bool,
    stops: bool,
    workers: int,
    end: EndPolicy,
    full: bool,
    limit: int,
    vector: Path | None,
    as_json: bool,
) -> None:
    """Try every interleaving of the program in FILE, and check every state.

    FILE is what a model writes. Decoding, returns and whatever the options allow may happen in any
    order. Exit status 1 says that an invariant is broken, or that the limit was reached first.
    """
    settings = Settings(end=end, workers=workers, deadline_us=1 if deadlines else None)
    program = Program(read_text(file), settings, messages, stops, failures)
    with (
        uncollected()
    ):  # every state is kept to the end; to look for garbage takes half of the time
        found = explore(program, limit, full=full)
    if found.violation and vector:
        story = tell(vector.stem, found.violation.fault, found.violation.rows, settings)
        with writing(vector):
            vector.write_bytes(msgspec.json.format(msgspec.json.encode(story), indent=1) + b"\n")
    if as_json:
        print_json({"file": name_of(file), **_document(found)})
    else:
        _show_exploration(found)
    sys.exit(0 if found.complete else 1)


def _document(found: Exploration) -> dict[str, object]:
    document: dict[str, object] = msgspec.structs.asdict(found)
    return document | {"rules": sorted(found.rules)}


def _show_exploration(found: Exploration) -> None:
    sizes = (
        counted(found.states, "state"),
        counted(found.transitions, "transition"),
        counted(found.endings, "ending"),
    )
    print_text(", ".join(sizes))
    print_text(f"rules that fired: {', '.join(sorted(found.rules))}")
    if found.violation:
        print_text(f"violation: {found.violation.fault}", err=True, color="red")
        for row in found.violation.rows:
            print_text(f"  {_line(row)}", err=True)
    elif not found.complete:
        print_text("the limit was reached: nothing is wrong so far", err=True, color="yellow")
    else:
        print_text("every invariant holds in every state", color="green")
