"""What the page is given: traces, and what Python tells of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from cml.terminal.output import print_text
from cml.tools.explain import rule_texts
from cml.wording import counted
from interpreter.commands.comparing import compare
from interpreter.commands.trace_files import reading_cut_trace, say_if_cut_short
from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.machine import RULE_NAMES
from interpreter.runs import Run, RunReader
from interpreter.schedule.advice.advice import advise
from interpreter.schedule.advice.observed import observe
from interpreter.schedule.advice.what_if import PlayedRuns, what_if
from interpreter.trace import Header, encode_header, encode_row


class ShownTrace(msgspec.Struct, frozen=True):
    """A trace that can be shown: a session can have left it.

    Args:
        name: The name of its file.
        header: Its first line.
        rows: Its rows.
        run: What they tell.
        cut_bytes: How long its last line was, if that was cut off in the middle: it is left out. Else 0.
        is_abandoned: Whether its last line says that the session went on without it (Trace/abandoned).
    """

    name: str
    header: Header
    rows: tuple[Row, ...]
    run: Run
    cut_bytes: int = 0
    is_abandoned: bool = False

    @property
    def cut(self) -> str:
        """A sentence on where the trace breaks off; empty where it comes to the end of a turn."""
        last = f"row {len(self.rows):,}" if self.rows else "its header"
        if self.cut_bytes:
            left_out = counted(self.cut_bytes, "byte")
            return f"This trace is cut off after {last}, within a line: {left_out} left out."
        if self.is_abandoned:
            return f"This trace ends with {last}: the session went on without it."
        return "" if self.run.reason else f"This trace ends with {last}, before the turn was over."


class Remarks(msgspec.Struct, frozen=True):
    """What Python tells of one trace.

    Args:
        name: The name of its file.
        about: Sentences on what limited the run, and what would have helped.
        what_if: The run played again in other ways; None where there is nothing to play.
        parts_at: The row from which on it differs from another trace, from 1, if it does.
        parting: A sentence on that; empty for a single trace.
        cut: A sentence on where the trace breaks off; empty where it comes to an end.
    """

    name: str
    about: tuple[str, ...]
    what_if: PlayedRuns | None
    parts_at: int | None = None
    parting: str = ""
    cut: str = ""


class Commentary(msgspec.Struct, frozen=True):
    """What stands beside the rows.

    Args:
        traces: What is told of each trace.
        rules: The text of each rule of the machine, by its name.
    """

    traces: tuple[Remarks, ...]
    rules: dict[str, str]


def read_shown(path: str) -> ShownTrace:
    """Read a trace that is to be shown; it may break off anywhere.

    Args:
        path: Its name; `-` is standard input.

    Raises:
        FileFaultError: It cannot be read.
        click.ClickException: It is at fault, other than that it breaks off.
    """
    with reading_cut_trace(path) as (header, rows, end):
        reader = RunReader(header.settings)
        taken: list[Row] = []
        try:
            for row in rows:
                reader.take(row)
                taken.append(row)
        except HostError as error:
            message = f"{path}: {error}; cml validate says in which row"
            raise click.ClickException(message) from None
    name, run = Path(path).name, reader.run
    return ShownTrace(name, header, tuple(taken), run, end.cut_bytes, end.is_abandoned)


def say_if_cut(path: str, trace: ShownTrace) -> None:
    """Say on standard error where a trace breaks off, if it does.

    Args:
        path: Its name.
        trace: The trace.
    """
    if trace.cut_bytes or trace.is_abandoned:
        print_text(f"{path}: {trace.cut}", err=True)
    say_if_cut_short(path, trace.run)


def rules_told() -> dict[str, str]:
    """Return the text of each rule of the machine, by its name."""
    texts = rule_texts()
    return {rule: texts[rule].removeprefix(rule).strip() for rule in RULE_NAMES}


def page_parts(traces: Sequence[ShownTrace]) -> dict[str, bytes]:
    """Return what the page asks for, by name: a JSON document, and each trace as it is.

    Args:
        traces: What is to be shown.
    """
    commentary = Commentary(tuple(_remarks(traces)), rules_told())
    lines = {
        f"trace-{at}.jsonl": encode_header(trace.header) + b"".join(map(encode_row, trace.rows))
        for at, trace in enumerate(traces)
    }
    return {"commentary.json": msgspec.json.encode(commentary), **lines}


def _remarks(traces: Sequence[ShownTrace]) -> Iterator[Remarks]:
    """Yield what there is to tell; each trace is held against the first, and that against the second."""
    for at, trace in enumerate(traces):
        remarks = _remark(trace)
        if len(traces) > 1:
            parts_at, parting = _part(trace, traces[0 if at else 1])
            remarks = msgspec.structs.replace(remarks, parts_at=parts_at, parting=parting)
        yield remarks


def _remark(trace: ShownTrace) -> Remarks:
    settings = trace.header.settings
    observation = observe(settings, trace.rows)
    about = advise(observation, settings.workers).sentences if observation.calls else ()
    return Remarks(trace.name, about, what_if(observation, settings.workers), cut=trace.cut)


def _part(trace: ShownTrace, other: ShownTrace) -> tuple[int | None, str]:
    """Return where a trace parts from another, and a sentence on it.

    By a real clock no two runs are the same, so times count only where all else is.
    """
    settings = "" if trace.header.settings == other.header.settings else " It had other settings."
    compared = compare(trace.rows, other.rows, timed=False)
    if compared.parts_at is not None:
        return compared.parts_at, f"Parts from {other.name} at row {compared.parts_at}.{settings}"
    compared = compare(trace.rows, other.rows)
    if compared.parts_at is not None:
        parting = f"The same rows as {other.name}, at other times from row {compared.parts_at} on."
        return compared.parts_at, parting + settings
    return None, f"The same as {other.name}.{settings}"


def title_of(trace: ShownTrace) -> str:
    """Return what to call a trace: what was asked, or the name of its file."""
    return trace.header.prompt or trace.name
