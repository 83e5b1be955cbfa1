"""The end of every command: its exit status, and no traceback, however it came to it.

Commands raise what went wrong; here it becomes a line on standard error and a status: 0 good, 1 the
input is at fault, 2 usage. Ctrl-C is 130 and a closed pipe 141, as a shell tells of them.
"""

import atexit
import codecs
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Final, Literal, NamedTuple, NoReturn, TextIO

import click

from cml.terminal.files import FileFaultError, in_words
from cml.terminal.output import READABLE, print_text, spelt
from cml.wording import nearest

INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
_COMPLETE: Final = "_CML_COMPLETE"


class Entry(NamedTuple):
    """Where a command is to be found.

    Args:
        place: Module and name, as in `cml.tools.commands:parse_command`.
        help: Its first sentence, as its own help begins, so that a list of all imports none.
    """

    place: str
    help: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called.

    Args:
        name: Its name.
        about: What it is for.
        entries: Its commands by name, in the order in which help lists them.
        params: Its own options.
    """

    def __init__(
        self, name: str, about: str, entries: Mapping[str, Entry], params: list[click.Parameter]
    ) -> None:
        settings = {"help_option_names": ["-h", "--help"]}
        super().__init__(name, help=about, params=params, context_settings=settings)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        del ctx
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        with leaving_at_once():
            command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            click.UsageError: There is none; it says which are called nearly so.
        """
        name = args[0]
        if not name.startswith("-") and name not in self.entries and not ctx.resilient_parsing:
            hint = nearest(name, self.entries)
            ctx.fail(f"No such command {name!r}. {hint[:1].upper()}{hint[1:]}".rstrip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their first sentences."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])


def run(group: click.Group) -> NoReturn:
    """Run the command line and end the process.

    Args:
        group: The command with all its commands.
    """
    if _listens():
        # Registered first, called last: while the interpreter takes itself down there is nothing to break off,
        # and its own way to do so would give the status of a signal.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    _make_readable()
    status = _finish(_status(group))
    sys.exit(status)


@contextmanager
def leaving_at_once(tidy: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let Ctrl-C end the process at once: where nothing is under way that would need an end.

    An import that is broken off by an exception may swallow it, or say so in a traceback; a library
    in another language that is broken off may wait for ever when it is to be released.

    Args:
        tidy: What is to be done before, such as to give the terminal its cursor back.
    """

    def leave(*_: int | FrameType | None) -> NoReturn:
        tidy()
        _leave()

    if not _listens():
        yield
        return
    before = signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(*_: int | FrameType | None) -> NoReturn:
    os._exit(INTERRUPTED)


def _listens() -> bool:
    """Whether Ctrl-C is for this process: a shell has one in the background ignore it."""
    return signal.getsignal(signal.SIGINT) not in {None, signal.SIG_IGN}


def _status(group: click.Group) -> int:
    """Run a command and return its exit status."""
    try:
        if _listens():
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if _COMPLETE in os.environ:
            return _complete(group, os.environ[_COMPLETE])
        with group.make_context("cml", sys.argv[1:]) as context:
            group.invoke(context)
    except BaseException as error:
        status = _status_of(error)
        if status is None:
            raise
        return status
    return 0


def _status_of(error: BaseException) -> int | None:
    """Tell what ended a command, and return its status; None for a fault of our own."""
    match error:
        case click.exceptions.Exit():
            status = error.exit_code
        case SystemExit():
            status = _code(error)
        case KeyboardInterrupt():
            status = INTERRUPTED
        case click.exceptions.Abort():
            status = INTERRUPTED if isinstance(error.__context__, KeyboardInterrupt) else 1
        case BrokenPipeError():
            status = PIPE_CLOSED
        case click.ClickException():
            status = _show(error)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            status = _show(FileFaultError(f"{where}{in_words(error)}"))
        case _:
            return None
    return status


def _code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    return _show(click.ClickException(end.code))


def _show(error: click.ClickException) -> int:
    """Print an error; what it quotes is foreign text."""
    with suppress(OSError):
        print_text(f"{_usage(error)}Error: {error.format_message()}", err=True)
    return error.exit_code


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return ""
    return f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n\n"


def _finish(status: int) -> int:
    """Write out what is buffered; whatever happens after this, Ctrl-C ends the process at once."""
    if _listens():
        signal.signal(signal.SIGINT, _leave)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = PIPE_CLOSED
    except OSError as error:
        status = _show(FileFaultError(f"standard output: {in_words(error)}"))
    for stream in (sys.stdout, sys.stderr):
        _let_go(stream)
    return status


def _let_go(stream: TextIO) -> None:
    """Keep the interpreter from writing, at its end, to a stream that cannot be written to."""
    try:
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _make_readable() -> None:
    """Let output be spelt out where its encoding has no such character."""
    codecs.register_error(READABLE, spelt)
    # A stream that was closed before the start is None.
    sys.stdin = sys.stdin or _nothing("r")
    sys.stdout = sys.stdout or _nothing("w")
    sys.stderr = sys.stderr or _nothing("w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=READABLE)


def _nothing(mode: Literal["r", "w"]) -> TextIO:
    return Path(os.devnull).open(mode, encoding="utf-8")


def _complete(group: click.Group, instruction: str) -> int:
    from click.shell_completion import shell_complete

    return shell_complete(group, {}, "cml", _COMPLETE, instruction)
