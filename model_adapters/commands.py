"""Commands of the command line that need a model."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import BinaryIO, get_args

import click
import msgspec
from rich.console import Console

from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.gantt import gantt
from interpreter.realtime import Runtime
from interpreter.state import DeliverWhen, Settings
from interpreter.summary import Summary, summarize
from interpreter.tools.python import ToolError, load_functions
from interpreter.trace import Header, write_trace
from model_adapters.backends import Opened, Request, open_backend
from model_adapters.errors import AdapterError
from model_adapters.live import Live


@click.command("run")
@click.argument("prompt")
@click.option(
    "--tools",
    required=True,
    type=click.Path(path_type=Path),
    help="Python file with the functions.",
)
@click.option(
    "--backend",
    default="hf",
    show_default=True,
    help="hf (the embedded model), hf:FOLDER (a model on disk) or script:FILE (what a model writes).",
)
@click.option(
    "--trace", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the trace."
)
@click.option(
    "--max-tokens", default=200, show_default=True, help="Limit of what the model writes."
)
@click.option(
    "--min-calls", default=1, show_default=True, help="Calls that the model has to begin with."
)
@click.option("--max-calls", type=int, help="Calls that it may write in all; any number if absent.")
@click.option(
    "--deliver",
    type=click.Choice(get_args(DeliverWhen)),
    default="any",
    show_default=True,
    help="Where interrupts go in: at any safe point, between words or lines, or at traps only.",
)
@click.option("--deadline", "deadline_s", type=float, help="Seconds that each call may run.")
@click.option("--device", help="cpu or cuda; by default what there is.")
@click.option("--yes", is_flag=True, help="Download what is missing without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def run_command(
    prompt: str,
    tools: Path,
    backend: str,
    trace: Path | None,
    *,
    max_tokens: int,
    min_calls: int,
    max_calls: int | None,
    deliver: DeliverWhen,
    deadline_s: float | None,
    device: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Answer PROMPT with a model that calls functions while it decodes.

    Every public function of the --tools file may be called. Ctrl-C ends the session; its trace is
    valid up to there.
    """
    console = Console(stderr=as_json)
    deadline_us = None if deadline_s is None else round(deadline_s * 1e6)
    settings = Settings(deliver=deliver, deadline_us=deadline_us)
    try:
        functions = load_functions(tools)
        request = Request(backend, prompt, functions, max_tokens, min_calls, max_calls, device, yes)
        opened = open_backend(request)
        with ExitStack() as stack:
            runtime = stack.enter_context(Runtime(opened.session, functions, settings))
            stack.enter_context(_stopping(runtime))
            rows = _record(runtime, opened, prompt, trace, stack)
            kept = list(Live(console).watch(rows))
    except (AdapterError, ToolError, HostError) as error:
        raise click.ClickException(str(error)) from None
    summary = summarize(kept)
    if as_json:
        click.echo(msgspec.json.encode(_document(summary, kept, trace)).decode())
    else:
        _show(console, summary, trace)
    sys.exit(130 if kept[-1].rule == "Step/stop" else 0)


def _record(
    runtime: Runtime, opened: Opened, prompt: str, trace: Path | None, stack: ExitStack
) -> Iterator[Row]:
    """Return the rows of the session as they come, written to the trace on the way."""
    rows = runtime.run()
    if trace is None:
        return rows
    header = Header(1, runtime.settings, "real", opened.model, prompt)
    try:
        file: BinaryIO = stack.enter_context(trace.open("wb"))
    except OSError as error:
        raise AdapterError(f"{trace}: cannot be written: {error.strerror}") from None
    return write_trace(file, header, rows)


@contextmanager
def _stopping(runtime: Runtime) -> Iterator[None]:
    """Let Ctrl-C end the session in good order; a second one ends the program."""

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        runtime.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _show(console: Console, summary: Summary, trace: Path | None) -> None:
    console.print()
    console.print(gantt(summary, console.width))
    asynchronous, synchronous = summary.total_us / 1e6, summary.synchronous_us / 1e6
    if all(call.return_us is not None for call in summary.calls):
        console.print(
            f"asynchronous {asynchronous:.2f} s; the same decoding and calls one after another"
            f" {synchronous:.2f} s: {synchronous / asynchronous:.2f}x",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print(f"stopped after {asynchronous:.2f} s, calls still running", highlight=False)
    if trace is not None:
        console.print(f"trace: {trace}", highlight=False)


def _document(summary: Summary, rows: list[Row], trace: Path | None) -> dict[str, object]:
    return {
        "total_us": summary.total_us,
        "decode_us": summary.decode_us,
        "synchronous_us": summary.synchronous_us,
        "calls": summary.calls,
        "ending": rows[-1].rule,
        "trace": None if trace is None else str(trace),
    }
