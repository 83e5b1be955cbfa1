"""`cml resume`: a session whose process died goes on from its trace."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from itertools import chain
from pathlib import Path
from typing import Final

import click

from cml.terminal.entry import leaving_at_once
from cml.terminal.files import INPUT_FILE, require_readable, writing
from cml.terminal.foreign import visible
from cml.terminal.output import only_ours, print_text
from cml.terminal.styled import console
from interpreter.drivers.realtime import Runtime
from interpreter.events import Row
from interpreter.executors.printing import keeping_prints
from interpreter.journals import Reopened, reopened
from interpreter.runs import read_run
from interpreter.state import Phase
from interpreter.trace import TraceError
from model_adapters.backends import Request, open_backend, require_backend
from model_adapters.commands.options import given_options, options_of, require_room_for_calls
from model_adapters.commands.run import run_command, stopping
from model_adapters.commands.telling import telling
from model_adapters.commands.tools_option import executor_chosen, tools_told
from model_adapters.commands.view.conclusion import Conclusion, conclude, tell_last
from model_adapters.commands.view.live import Live
from model_adapters.commands.view.start_line import StartLine
from model_adapters.constraint.guarded import guarded
from model_adapters.opening import AtTrap, Sampling

_OF_A_MODEL: Final = (
    *("tools", "backend", "max_tokens", "min_calls", "max_calls", "isolate", "memory_mib"),
    *("temperature", "top_k", "top_p", "seed", "at_trap", "device", "yes", "as_json"),
)
"""What `cml run` takes, but for what stands in the trace."""


@click.command("resume", params=options_of(run_command, _OF_A_MODEL))
@click.argument("trace", type=INPUT_FILE)
def resume_command(
    trace: str,
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

    Exit status: that of `cml run`.
    """
    require_room_for_calls(min_calls, max_calls)
    path = Path(trace)
    # To the very end: a call that is left behind prints into nobody's output either.
    others = click.get_current_context().with_resource(keeping_prints())
    out = console(stderr=as_json)
    with telling():
        require_backend(backend, given_options())
        with ExitStack() as stack:
            stack.enter_context(only_ours() if as_json else nullcontext())
            again = _reopened(path, stack)
            header = again.past.header
            functions = tools_told(tools, stack, isolate=isolate)
            executor = executor_chosen(isolate=isolate, memory_mib=memory_mib, stack=stack)
            line = stack.enter_context(StartLine(console(stderr=True)))
            request = Request(
                backend,
                header.prompt,
                functions,
                max_tokens,
                min_calls,
                max_calls,
                device,
                yes,
                sampling=Sampling(temperature, top_k, top_p, seed),
                profile=header.settings.profile,
                at_trap=at_trap,
            )
            with leaving_at_once(line.stop):
                opened = open_backend(request)

            def write(rows: Sequence[Row]) -> None:
                with writing(path):
                    again.write(rows)

            runtime = Runtime(
                opened.session, functions, executor=executor, journal=write, past=again.past
            )
            stack.enter_context(runtime)
            stack.enter_context(stopping(runtime))
            rows = line.until_decoded(chain(again.past.rows, runtime.run()))
            kept = list(Live(runtime.withheld, runtime.printed).watch(rows, out))
    tell_last(opened.afterwards, others.printed.rstrip())
    run = read_run(runtime.settings, kept)
    over = Conclusion(run, max_tokens, path, runtime.printed, guarded(opened.session))
    sys.exit(conclude(over, out, as_json=as_json))


def _reopened(path: Path, stack: ExitStack) -> Reopened:
    """Open the trace of a session that is not over, and say what of it is dropped."""
    require_readable(path)
    try:
        with writing(path):
            again = stack.enter_context(reopened(path))
    except TraceError as error:
        raise click.ClickException(f"{visible(str(path))}: {error}") from None
    if again.past.state.phase is Phase.ENDED:
        message = "the session is over; there is nothing to go on with"
        raise click.ClickException(f"{visible(str(path))}: {message}")
    if again.dropped_bytes:
        message = f"the last line was cut off after {again.dropped_bytes} bytes, and is dropped"
        print_text(f"{path}: {message}", err=True)
    return again
