"""`cml run`: a question, answered by a model that calls functions while it decodes."""

import sys
from functools import partial
from typing import get_args

import click

from cml.profile import Profile, Spelling
from cml.terminal.options import json_option, seconds, seed_option, text, yes_option
from interpreter.state import DeliverWhen, Settings
from model_adapters.backends import Request, spellings
from model_adapters.commands.options import (
    at_trap_option,
    device_option,
    markers_option,
    max_calls_option,
    min_calls_option,
    require_room_for_calls,
    temperature_option,
    top_k_option,
    top_p_option,
)
from model_adapters.commands.running import TracePlace, begun, written_trace
from model_adapters.commands.running.answering import answer
from model_adapters.commands.tools_option import (
    TOOLS,
    ToolsChoice,
    isolate_option,
    memory_option,
)
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
@click.option(
    "--trace",
    type=written_trace,
    metavar="FILE|URL#SESSION",
    help="Where to write the trace: a file, or a session of a database (sqlite:FILE, postgresql://HOST/NAME).",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Write over the trace of a session that is not over, unless a process still writes it.",
)
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
    trace: TracePlace | None,
    *,
    overwrite: bool,
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
    deadline_us = None if deadline_s is None else round(deadline_s * 1e6)
    request = Request(
        backend,
        prompt,
        {},
        max_tokens,
        min_calls,
        max_calls,
        device,
        yes,
        sampling=Sampling(temperature, top_k, top_p, seed),
        profile=Profile(markers=Spelling(markers)),
        at_trap=at_trap,
    )
    settings = Settings(request.profile, deliver=deliver, deadline_us=deadline_us)
    chosen = ToolsChoice(tools, isolate, memory_mib)
    record = partial(begun, trace, overwrite=overwrite)
    sys.exit(answer(request, settings, chosen, record, as_json=as_json))
