"""A session on the command line, from its trace and its model to its exit status: begun or gone on with."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import chain
from types import FrameType

import click
from msgspec.structs import replace

from cml.terminal.entry import leaving_at_once
from cml.terminal.files import FileFaultError
from cml.terminal.output import only_ours
from cml.terminal.styled import console
from interpreter.drivers.realtime import Runtime
from interpreter.executors.printing import keeping_prints
from interpreter.runs import read_run
from interpreter.state import Settings
from interpreter.trace import Header
from model_adapters.backends import Request, open_backend, require_backend
from model_adapters.closing import decoder_of
from model_adapters.commands.options import given_options
from model_adapters.commands.running import Recording
from model_adapters.commands.telling import telling
from model_adapters.commands.tools_option import ToolsChoice, executor_chosen, tools_told
from model_adapters.commands.view.conclusion import Conclusion, conclude, is_full, tell_last
from model_adapters.commands.view.live import Live
from model_adapters.commands.view.start_line import StartLine
from model_adapters.constraint.guarded import guarded


def answer(
    request: Request,
    settings: Settings,
    tools: ToolsChoice,
    record: Callable[[ExitStack], Recording],
    *,
    as_json: bool,
) -> int:
    """Run a turn, show it while it goes, and return the exit status that says how it ended.

    Args:
        request: What is wanted, but for the functions. Prompt and profile of a session that goes on are
            those of its trace.
        settings: What the host chose; those of a session that goes on are those of its trace.
        tools: Where the functions come from.
        record: Opens the trace.
        as_json: Whether a program reads it.

    Raises:
        click.ClickException: The input is at fault.
    """
    # To the very end: a call that is left behind prints into nobody's output either.
    others = click.get_current_context().with_resource(keeping_prints())
    out = console(stderr=as_json)
    with telling():
        require_backend(request.backend, given_options())
        with ExitStack() as stack:
            stack.enter_context(only_ours() if as_json else nullcontext())
            recording = record(stack)
            past = recording.past
            functions = tools_told(tools, stack)
            executor = executor_chosen(tools, stack)
            line = stack.enter_context(StartLine(console(stderr=True)))
            wanted = replace(request, functions=functions)
            if past:
                profile = past.header.settings.profile
                wanted = replace(wanted, prompt=past.header.prompt, profile=profile)
            with leaving_at_once(line.stop):
                opened = open_backend(wanted)
            if past and past.header.model not in {"", opened.model}:
                line.tell(f"begun by {past.header.model}; {opened.model} goes on with it")
            decoder = stack.enter_context(decoder_of(opened.session))
            runtime = Runtime(
                opened.session,
                functions,
                opened.fitted(settings),
                executor,
                decoder=decoder,
                journal=recording.write,
                past=past,
            )
            stack.enter_context(runtime)
            stack.enter_context(_stopping(runtime))
            live = Live(runtime.withheld, runtime.printed)
            header = Header(1, runtime.settings, "real", opened.model, wanted.prompt)
            recording.begin(header, live.warn)
            rows = line.until_decoded(chain(past.rows if past else (), runtime.run()))
            kept = list(live.watch(rows, out))
            full = is_full(opened.session)
    tell_last(opened.afterwards, others.printed.rstrip())
    run = read_run(runtime.settings, kept)
    mask = guarded(opened.session)
    over = Conclusion(run, request.max_tokens, full, recording.written_to, runtime.printed, mask)
    status = conclude(over, out, as_json=as_json)
    return FileFaultError.exit_code if recording.failed else status


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
