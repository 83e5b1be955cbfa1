"""`cml chat`: a conversation in which the model calls functions, and is spoken to while it writes."""

import asyncio
import signal
import sys
from contextlib import ExitStack, suppress
from typing import Final

import click
from rich.text import Text

from cml.terminal.entry import INTERRUPTED, leaving_at_once
from cml.terminal.files import FileFaultError
from cml.terminal.foreign import visible
from cml.terminal.options import text
from cml.terminal.output import print_text
from cml.terminal.styled import console
from interpreter.drivers.async_runtime import AsyncRuntime
from interpreter.errors import HostError
from interpreter.events import Began, Row
from interpreter.executors.printing import keeping_prints
from interpreter.runs import Ending, RunReader
from interpreter.session import Session
from interpreter.state import DeliverWhen, Settings
from interpreter.trace import Header
from model_adapters.backends import Request, open_backend, require_backend
from model_adapters.closing import decoder_of
from model_adapters.commands.conversation import Conversation, Leaving
from model_adapters.commands.options import given_options, options_of
from model_adapters.commands.run import run_command
from model_adapters.commands.running import TracePlace, begun
from model_adapters.commands.telling import telling
from model_adapters.commands.tools_option import TOOLS, ToolsChoice, executor_chosen, tools_told
from model_adapters.commands.view.conclusion import FULL, is_full
from model_adapters.commands.view.lines import Lines, PipedLines, lines_of
from model_adapters.commands.view.live import Live
from model_adapters.commands.view.sheets import Sheet
from model_adapters.commands.view.start_line import StartLine

_SHARED: Final = (
    *("backend", "trace", "overwrite", "max_tokens", "max_calls", "deliver", "deadline_s"),
    *("isolate", "memory_mib", "device", "yes"),
)
_ASKED: Final = "bold"
_NOTE: Final = "dim"
_ENDINGS: Final[dict[Ending, str]] = {
    "answered": "",
    "no answer": "no answer",
    "length": "it came to the limit of --max-tokens",
    "stopped": "stopped",
}


@click.command("chat", params=options_of(run_command, _SHARED))
@click.argument("prompt", type=text, required=False)
@click.option(
    "--tools",
    multiple=True,
    type=TOOLS,
    metavar="FILE.py|mcp:COMMAND|mcp:URL",
    help="Python file with the functions, or an MCP server; can be given several times.",
)
def chat_command(
    prompt: str | None,
    tools: tuple[str, ...],
    backend: str,
    trace: TracePlace | None,
    *,
    overwrite: bool,
    max_tokens: int,
    max_calls: int | None,
    deliver: DeliverWhen,
    deadline_s: float | None,
    isolate: bool,
    memory_mib: int | None,
    device: str | None,
    yes: bool,
) -> None:
    """Talk with a model that calls functions, from PROMPT on, or from the first line that you say.

    Each line is a message. One that comes while the model writes goes in as an interrupt; one that
    comes when it has answered is the next question. In a pipe, what stands after an empty line waits
    until it has answered. Ctrl-C stops what the model does, and a second
    one, or one where it does nothing, leaves; so does the end of the input (Ctrl-D).

    Exit status: 0 good, 1 the input is at fault, 2 usage, 130 left by Ctrl-C.
    """
    deadline_us = None if deadline_s is None else round(deadline_s * 1e6)
    settings = Settings(deliver=deliver, deadline_us=deadline_us)
    with telling():
        require_backend(backend, given_options())
        with ExitStack() as stack:
            chosen = ToolsChoice(tools, isolate, memory_mib)
            functions = tools_told(chosen, stack)
            executor = executor_chosen(chosen, stack)
            lines = lines_of(console())
            first = prompt or lines.first()
            if first is None:
                _require_typed(lines)
                return
            recording = begun(trace, stack, overwrite=overwrite)
            with StartLine(console(stderr=True)) as line, leaving_at_once(line.stop):
                opened = open_backend(
                    Request(
                        backend,
                        first,
                        functions,
                        max_tokens,
                        max_calls=max_calls,
                        device=device,
                        yes=yes,
                    )
                )
            decoder = stack.enter_context(decoder_of(opened.session))
            runtime = AsyncRuntime(
                opened.session,
                functions,
                opened.fitted(settings),
                executor,
                decoder=decoder,
                journal=recording.write,
            )
            view = _View(lines.sheet, runtime, opened.session)
            recording.begin(Header(1, runtime.settings, "real", opened.model, first), view.warn)
            left = asyncio.run(_talk(runtime, view, lines, first))
    if recording.failed:
        sys.exit(FileFaultError.exit_code)
    sys.exit(INTERRUPTED if left is Leaving.BROKEN_OFF else 0)


class _View:
    """Shows a conversation: each question, the rows of its turn, and how that ended.

    Args:
        sheet: Where to.
        runtime: What runs it.
        session: The model's.
    """

    def __init__(self, sheet: Sheet, runtime: AsyncRuntime, session: Session) -> None:
        self._sheet = sheet
        self._session = session
        self._live = Live(runtime.withheld, runtime.printed)
        self._reader = RunReader(runtime.settings)
        self.running = self._live.running

    def ask(self, question: str) -> None:
        """Show what a person asks."""
        self._sheet.line(Text(f"> {visible(question)}", _ASKED))

    def see(self, row: Row) -> None:
        """Show a row."""
        if isinstance(row.event, Began) and row.event.prompt:
            self.ask(row.event.prompt)
        self._reader.take(row)
        self._live.show(row, self._sheet)

    def warn(self, words: str) -> None:
        """Tell an error on a line of its own."""
        self.end_line()
        self._sheet.warn(words)

    def end_line(self) -> None:
        """End the line that the model was in."""
        self._live.end_line(self._sheet)

    def end_turn(self) -> None:
        """Show how a turn ended, where that is not plain."""
        self.end_line()
        ending = self._reader.run.ending
        if words := FULL if ending == "length" and is_full(self._session) else _ENDINGS[ending]:
            self._sheet.line(Text(words, _NOTE))


async def _talk(runtime: AsyncRuntime, view: _View, lines: Lines, first: str) -> Leaving:
    """Run a conversation to its end."""
    conversation = Conversation(runtime, view.see, view.end_turn)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # where a loop takes no signals, Ctrl-C ends the program
        loop.add_signal_handler(signal.SIGINT, conversation.interrupt)
    async with runtime:
        with lines.shown(view.running, conversation.interrupt), keeping_prints():
            view.ask(first)
            listening = asyncio.create_task(_listen(lines, conversation))
            try:
                return await conversation.run()
            finally:
                view.end_line()  # an error comes below what was written
                listening.cancel()
                await asyncio.wait([listening])


async def _listen(lines: Lines, conversation: Conversation) -> None:
    """Take line after line, and leave at the end of them; at an empty one wait for the answer."""
    try:
        async for line in lines.rest():
            if line.strip():
                _say(conversation, line)
            else:
                await conversation.is_idle.wait()
    finally:
        conversation.leave()


def _require_typed(lines: Lines) -> None:
    """Take it from a person that nothing is said, but not from a pipe: there it is a mistake.

    Raises:
        click.UsageError: Standard input is no terminal.
    """
    if isinstance(lines, PipedLines):
        raise click.UsageError(
            "nothing is asked: standard input holds no words; give PROMPT, or lines"
        )


def _say(conversation: Conversation, line: str) -> None:
    try:
        conversation.say(line)
    except HostError as error:
        print_text(f"Error: {error}", err=True)
