"""`cml run`: a question, answered by a model that calls functions while it decodes."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import get_args

import click

from cml.profile import Profile, Spelling
from cml.terminal.entry import leaving_at_once
from cml.terminal.files import OUTPUT_FILE, FileFaultError
from cml.terminal.options import json_option, seconds, seed_option, text, yes_option
from cml.terminal.output import only_ours
from cml.terminal.styled import console
from interpreter.drivers.realtime import Runtime
from interpreter.executors.printing import keeping_prints
from interpreter.runs import read_run
from interpreter.state import DeliverWhen, Settings
from interpreter.trace import Header
from model_adapters.backends import Request, open_backend, require_backend, spellings
from model_adapters.commands.options import (
    at_trap_option,
    device_option,
    given_options,
    markers_option,
    max_calls_option,
    min_calls_option,
    require_room_for_calls,
    temperature_option,
    top_k_option,
    top_p_option,
)
from model_adapters.commands.recorder import Recorder
from model_adapters.commands.telling import telling
from model_adapters.commands.tools_option import (
    TOOLS,
    executor_chosen,
    isolate_option,
    memory_option,
    tools_told,
)
from model_adapters.commands.view.conclusion import Conclusion, conclude, tell_last
from model_adapters.commands.view.live import Live
from model_adapters.commands.view.start_line import StartLine
from model_adapters.constraint.guarded import guarded
from model_adapters.opening import AtTrap, Sampling


@click.command("run")
@click.argument("prompt", type=text)
@click.option(
    "--tools",
    required=True,
    multiple=True,
    type=TOOLS,
    metavar="FILE.py|mcp:COMMAND|mcp:URL",
    help="Python file with the functions, or an MCP server; can be given several times.",
)
@click.option(
    "--backend",
    default="auto",
    show_default=True,
    help=f"{spellings()}.",
)
@click.option("--trace", type=OUTPUT_FILE, help="Where to write the trace.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Limit of what the model writes.",
)
@min_calls_option
@max_calls_option
@click.option(
    "--deliver",
    type=click.Choice(get_args(DeliverWhen)),
    default="any",
    show_default=True,
    help="Where interrupts go in: at any safe point, between words or lines, or at traps only.",
)
@click.option(
    "--deadline",
    "deadline_s",
    type=seconds,
    metavar="SECONDS",
    help="How long each call may run: 0.001 to 1,000,000 seconds.",
)
@isolate_option
@memory_option
@markers_option
@temperature_option
@top_k_option
@top_p_option
@seed_option
@at_trap_option
@device_option
@yes_option
@json_option
def run_command(
    prompt: str,
    tools: tuple[str, ...],
    backend: str,
    trace: Path | None,
    *,
    max_tokens: int,
    min_calls: int,
    max_calls: int | None,
    deliver: DeliverWhen,
    deadline_s: float | None,
    isolate: bool,
    memory_mib: int | None,
    markers: str,
    temperature: float,
    top_k: int | None,
    top_p: float,
    seed: int,
    at_trap: AtTrap,
    device: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Answer PROMPT with a model that calls functions while it decodes.

    Every public function of a --tools file may be called, and every tool of an MCP server. What they
    print is told apart from the answer. Ctrl-C ends the session; its trace is valid up to there.

    Exit status: 0 answered, 1 the input is at fault, 2 usage, 3 no answer (the model wrote nothing
    after the last result, or came to the limit of --max-tokens), 130 stopped by Ctrl-C.
    """
    require_room_for_calls(min_calls, max_calls)
    # To the very end: a call that is left behind prints into nobody's output either.
    others = click.get_current_context().with_resource(keeping_prints())
    out = console(stderr=as_json)
    deadline_us = None if deadline_s is None else round(deadline_s * 1e6)
    profile = Profile(markers=Spelling(markers))
    settings = Settings(profile, deliver=deliver, deadline_us=deadline_us)
    with telling():
        require_backend(backend, given_options())
        with ExitStack() as stack:
            stack.enter_context(only_ours() if as_json else nullcontext())
            functions = tools_told(tools, stack, isolate=isolate)
            executor = executor_chosen(isolate=isolate, memory_mib=memory_mib, stack=stack)
            line = stack.enter_context(StartLine(console(stderr=True)))
            request = Request(
                backend,
                prompt,
                functions,
                max_tokens,
                min_calls,
                max_calls,
                device,
                yes,
                sampling=Sampling(temperature, top_k, top_p, seed),
                profile=profile,
                at_trap=at_trap,
            )
            with leaving_at_once(line.stop):
                opened = open_backend(request)
            recorder = Recorder(trace, stack)
            settings = opened.fitted(settings)
            runtime = Runtime(opened.session, functions, settings, executor, journal=recorder.write)
            stack.enter_context(runtime)
            stack.enter_context(stopping(runtime))
            recorder.begin(Header(1, runtime.settings, "real", opened.model, prompt))
            rows = line.until_decoded(runtime.run())
            kept = list(Live(runtime.withheld, runtime.printed).watch(rows, out))
    tell_last(opened.afterwards, others.printed.rstrip())
    run = read_run(runtime.settings, kept)
    over = Conclusion(
        run, max_tokens, recorder.written_to, runtime.printed, guarded(opened.session)
    )
    status = conclude(over, out, as_json=as_json)
    sys.exit(FileFaultError.exit_code if recorder.failed else status)


@contextmanager
def stopping(runtime: Runtime) -> Iterator[None]:
    """Let Ctrl-C end the session in good order; a second one ends the program."""

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        runtime.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
