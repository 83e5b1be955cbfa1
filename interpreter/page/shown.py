"""What the page is given: traces, and what Python tells of them."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from cml.tools.explain import rule_texts
from interpreter.commands.trace_files import reading_trace
from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.machine import RULE_NAMES
from interpreter.runs import Run, RunReader
from interpreter.trace import Header, encode_header, encode_row


class ShownTrace(msgspec.Struct, frozen=True):
    """A trace that can be shown: a session can have left it.

    Args:
        name: The name of its file.
        header: Its first line.
        rows: Its rows.
        run: What they tell.
    """

    name: str
    header: Header
    rows: tuple[Row, ...]
    run: Run


class Commentary(msgspec.Struct, frozen=True):
    """What stands beside the rows.

    Args:
        names: The name of each trace.
        rules: The text of each rule of the machine, by its name.
    """

    names: tuple[str, ...]
    rules: dict[str, str]


def read_shown(path: str) -> ShownTrace:
    """Read a trace that is to be shown.

    Args:
        path: Its name; `-` is standard input.

    Raises:
        FileFaultError: It cannot be read.
        click.ClickException: It is at fault.
    """
    with reading_trace(path) as (header, rows):
        reader = RunReader(header.settings)
        taken: list[Row] = []
        try:
            for row in rows:
                reader.take(row)
                taken.append(row)
        except HostError as error:
            message = f"{path}: {error}; cml validate says in which row"
            raise click.ClickException(message) from None
    return ShownTrace(Path(path).name, header, tuple(taken), reader.run)


def page_parts(traces: Sequence[ShownTrace]) -> dict[str, bytes]:
    """Return what the page asks for, by name: a JSON document, and each trace as it is.

    Args:
        traces: What is to be shown.
    """
    texts = rule_texts()
    rules = {rule: texts[rule].removeprefix(rule).strip() for rule in RULE_NAMES}
    commentary = Commentary(tuple(trace.name for trace in traces), rules)
    lines = {
        f"trace-{at}.jsonl": encode_header(trace.header) + b"".join(map(encode_row, trace.rows))
        for at, trace in enumerate(traces)
    }
    return {"commentary.json": msgspec.json.encode(commentary), **lines}


def title_of(trace: ShownTrace) -> str:
    """Return what to call a trace: what was asked, or the name of its file."""
    return trace.header.prompt or trace.name
