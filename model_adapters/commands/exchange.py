"""`cml import` and `cml export`: sessions of other protocols, and traces for other programs."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from cml.characters import not_utf_8
from cml.diagnostics import Diagnostic
from cml.terminal.files import (
    INPUT_FILE,
    OUTPUT_FILE,
    STDIN,
    UnreadableError,
    read_text,
    reading,
    require_readable,
    writing,
)
from cml.terminal.output import name_of, print_text
from cml.tools.writers import WRITERS, Findings, status_of, write
from interpreter.commands.trace_files import reading_trace
from interpreter.errors import HostError, MissingExtraError
from interpreter.exchange.chat import CHAT
from interpreter.exchange.checking import at_line, check
from interpreter.exchange.exporting import EXPORTS
from interpreter.exchange.gemini import GEMINI
from interpreter.exchange.happenings import ForeignError, Format, Happening, NotCarried
from interpreter.exchange.pie import PIE
from interpreter.exchange.realtime import REALTIME
from interpreter.exchange.telling import profile_of, tell
from interpreter.trace import encode_header, encode_row
from model_adapters.mcp.log import MCP

FORMATS: Final[Mapping[str, Format]] = {
    "chat": CHAT,
    "realtime": REALTIME,
    "gemini": GEMINI,
    "mcp": MCP,
    "pie": PIE,
}
"""The formats of sessions that can be imported, by their words."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@click.command("import")
@click.argument("form", metavar="FORMAT", type=click.Choice(list(FORMATS)))
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option(
    "-o", "--output", type=OUTPUT_FILE, help="Where the trace goes; else standard output."
)
@click.option("--check", "only_check", is_flag=True, help="Only validate, any number of files.")
@click.option(
    "--format",
    "report",
    type=click.Choice(sorted(WRITERS)),
    default="text",
    show_default=True,
    help="How --check reports.",
)
@click.option("--losses", is_flag=True, help="Only say what of FORMAT a trace does not hold.")
def import_command(
    form: str,
    files: tuple[str, ...],
    *,
    output: Path | None,
    only_check: bool,
    report: str,
    losses: bool,
) -> None:
    """Make a trace of a session that FILE holds in another FORMAT, or validate it.

    FORMAT is one of chat, realtime, gemini, mcp, pie. A session is validated like our own: two
    results for one call, a result that nobody asked for or before its call, a call that is never
    answered, each with its line. What is left out of a trace is said on standard error.

    Exit status: 0 it is a valid session, 1 it is not, 2 usage.
    """
    known = FORMATS[form]
    if losses:
        for what, becomes in known.losses.items():
            print_text(f"{what}: {becomes}")
        return
    if only_check and files:
        # All files are read before anything is written: that a package is missing is told alone.
        found = [Findings(file, _read_now(_diagnostics(file, known)), None) for file in files]
        sys.exit(status_of(write(report, found)))
    if len(files) != 1 or output is None:
        raise click.UsageError("name one FILE, and an -o for its trace; or --check any number")
    _import(files[0], known, output)


def _read_now(diagnostics: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """Return the same diagnostics, read; that their file cannot be read is told when they are."""
    found: list[Diagnostic] = []
    try:
        found.extend(diagnostics)
    except UnreadableError as fault:
        return _broken_off(found, fault)
    return iter(found)


def _broken_off(found: list[Diagnostic], fault: UnreadableError) -> Iterator[Diagnostic]:
    yield from found
    raise fault


def _diagnostics(file: str, known: Format) -> Iterator[Diagnostic]:
    require_readable(file)
    with reading(file) as opened:
        content = opened.read()
    if fault := not_utf_8(content):
        yield at_line("Syntax/encoding", fault, 1)
        return
    yield from _checked(content.decode(), known)


def _checked(text: str, known: Format) -> Iterator[Diagnostic]:
    try:
        yield from check(_happenings(text, known), profile_of(known))
    except ForeignError as error:
        yield at_line("Trace/foreign", error.message, error.line)


def _happenings(text: str, known: Format) -> list[Happening]:
    try:
        return list(known.read(text))
    except RecursionError:
        raise ForeignError(1, "brackets nest too deep") from None
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from None


def _import(file: str, known: Format, output: Path) -> None:
    require_readable(file)
    text = read_text(file)
    # The rules that a foreign session can break are all errors.
    if found := list(_checked(text, known)):
        WRITERS["text"]([Findings(file, iter(found), None)], sys.stderr)
        sys.exit(1)
    happenings = _happenings(text, known)
    header, rows = tell(happenings, known, name_of(Path(file).name))
    _write([encode_header(header), *map(encode_row, rows)], output)
    left_out = Counter(item.what for item in happenings if isinstance(item, NotCarried))
    for what, times in left_out.items():
        print_text(f"{what} ({times}): {known.losses[what]}", err=True)


def _write(lines: list[bytes], output: Path) -> None:
    with writing(output):
        output.write_bytes(b"".join(lines))


@click.command("export")
@click.argument("form", metavar="FORMAT", type=click.Choice(list(EXPORTS)))
@click.argument("trace", type=INPUT_FILE)
@click.option("-o", "--output", type=OUTPUT_FILE, required=True, help="Where to.")
@click.option(
    "--begin",
    type=click.DateTime(),
    help="When the session began (UTC), for spans. A trace does not say; by default it is the time of"
    " its file.",
)
def export_command(form: str, trace: str, *, output: Path, begin: datetime | None) -> None:
    """Write TRACE in another FORMAT: otel (spans, one JSON object a line) or perfetto.

    Exit status: 0 good, 1 the trace is at fault, 2 usage.
    """
    begin_ns = _ns_of(begin) if begin else _modified_ns(trace)
    try:
        with reading_trace(trace) as (header, rows):
            lines = list(EXPORTS[form](header, rows, begin_ns, name_of(Path(trace).name)))
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from None
    except HostError as error:
        message = f"{trace}: {error}; cml validate says in which row"
        raise click.ClickException(message) from None
    _write(lines, output)


def _ns_of(when: datetime) -> int:
    return round((when.replace(tzinfo=UTC) - _EPOCH).total_seconds() * 1e6) * 1_000


def _modified_ns(file: str) -> int:
    """Return when a file was written, in whole microseconds, as all times of a trace are."""
    exact_ns = time.time_ns() if file == STDIN else Path(file).stat().st_mtime_ns
    return exact_ns // 1_000 * 1_000
