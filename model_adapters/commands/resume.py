"""`cml resume`: a session whose process died goes on from its trace."""

import sys
from functools import partial
from typing import Final

import click

from interpreter.state import Settings
from model_adapters.backends import Request
from model_adapters.commands.options import options_of, require_room_for_calls
from model_adapters.commands.run import run_command
from model_adapters.commands.running import TracePlace, resumed, resumed_trace
from model_adapters.commands.running.answering import answer
from model_adapters.commands.tools_option import ToolsChoice
from model_adapters.opening import AtTrap, Sampling

_OF_A_MODEL: Final = (
    *("tools", "backend", "max_tokens", "min_calls", "max_calls", "isolate", "memory_mib"),
    *("temperature", "top_k", "top_p", "seed", "at_trap", "device", "yes", "as_json"),
)
"""What `cml run` takes, but for what stands in the trace."""


@click.command("resume", params=options_of(run_command, _OF_A_MODEL))
@click.argument("trace", type=resumed_trace, metavar="TRACE")
def resume_command(
    trace: TracePlace,
    tools: tuple[str, ...],
    backend: str,
    *,
    max_tokens: int,
    min_calls: int,
    max_calls: int | None,
    temperature: float,
    top_k: int | None,
    top_p: float,
    seed: int,
    at_trap: AtTrap,
    isolate: bool,
    memory_mib: int | None,
    device: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Go on with the session of TRACE, whose process died, and write on in TRACE.

    Calls that had returned are not run again. Of those that ran, the ones declared idempotent are
    started again, and the model is told of the others that they failed (interrupted). A last line
    that is cut off is dropped. --tools and --backend are those that the session had, and --max-tokens
    counts what it has written too.

    TRACE is a file, or a session of a database, as in sqlite:FILE#SESSION. Where it names only the database,
    the session goes on that was left longest with a turn under way.

    Exit status: that of `cml run`.
    """
    require_room_for_calls(min_calls, max_calls)
    request = Request(
        backend,
        "",
        {},
        max_tokens,
        min_calls,
        max_calls,
        device,
        yes,
        sampling=Sampling(temperature, top_k, top_p, seed),
        at_trap=at_trap,
    )
    chosen = ToolsChoice(tools, isolate, memory_mib)
    sys.exit(answer(request, Settings(), chosen, partial(resumed, trace), as_json=as_json))
