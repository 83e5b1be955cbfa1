"""What a person says to `cml chat`, line by line: out of a pipe, or typed while the model writes."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Final, Protocol

from model_adapters.commands.view.sheets import FootedSheet, PlainSheet, Sheet

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.history import History
    from rich.console import Console

_REDRAWN_S: Final = 0.2
_MOST_LINES_BEGUN: Final = 6
_PROMPT: Final = "> "
_CHUNK_BYTES: Final = 65_536


class Lines(Protocol):
    """Where a person's lines come from, and the sheet that goes with it."""

    @property
    def sheet(self) -> Sheet:
        """What the session is shown on."""
        ...

    def first(self) -> str | None:
        """Wait for the first line with a word on it; None at the end."""
        ...

    def rest(self) -> AsyncIterator[str]:
        """Yield the others as they come, until the end: empty ones where they mean something."""
        ...

    def shown(
        self, running: Callable[[], str], interrupt: Callable[[], object]
    ) -> AbstractContextManager[object]:
        """Return what lets text be printed above the line that is being typed.

        Args:
            running: What runs, in words, at this moment.
            interrupt: Is called when Ctrl-C is typed.
        """
        ...


class PipedLines:
    """The lines of standard input, where an empty one ends a question. A thread reads them: nothing else can wait for a pipe everywhere.

    Args:
        console: Where the session is shown.
    """

    def __init__(self, console: "Console") -> None:
        self.sheet = PlainSheet(console)
        self._lines = _read_lines()

    def first(self) -> str | None:
        """Wait for the first line with a word on it; None at the end."""
        return next(filter(str.strip, self._lines), None)

    async def rest(self) -> AsyncIterator[str]:
        """Yield the others as they come, until the end."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Queue[str | None]()

        def read() -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody hears any more
                for line in self._lines:
                    loop.call_soon_threadsafe(arrived.put_nowait, line)
                loop.call_soon_threadsafe(arrived.put_nowait, None)

        threading.Thread(target=read, name="cml-lines", daemon=True).start()
        while (line := await arrived.get()) is not None:
            yield line

    def shown(
        self, running: Callable[[], str], interrupt: Callable[[], object]
    ) -> AbstractContextManager[object]:
        """Print as it comes."""
        del running, interrupt
        return nullcontext()


class TypedLines:
    """Lines that a person edits at a terminal, below what the session writes. History is kept.

    Args:
        console: Where the session is shown.

    Raises:
        ImportError: prompt_toolkit is not installed.
    """

    def __init__(self, console: "Console") -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.key_binding import KeyBindings

        self.sheet = FootedSheet(console)
        self._keys = KeyBindings()
        self._running: Callable[[], str] = str
        self._session: PromptSession[str] = PromptSession(
            message=self._message,
            key_bindings=self._keys,
            history=_history(),
            refresh_interval=_REDRAWN_S,
            erase_when_done=True,
        )

    def first(self) -> str | None:
        """Wait for the first line with a word on it; None at the end."""
        try:
            while not (line := self._session.prompt()).strip():
                pass
        except EOFError:
            return None
        return line

    async def rest(self) -> AsyncIterator[str]:
        """Yield the others with a word on them as they come, until the end."""
        with suppress(EOFError):
            while True:
                line = await self._session.prompt_async(handle_sigint=False)
                if line.strip():
                    yield line

    def shown(
        self, running: Callable[[], str], interrupt: Callable[[], object]
    ) -> AbstractContextManager[object]:
        """Print whole lines above the prompt, the line that is begun and what runs with it."""
        from prompt_toolkit.patch_stdout import patch_stdout

        self._running = running
        self._keys.add("c-c")(lambda _: interrupt())
        return patch_stdout(raw=True)

    def _message(self) -> "StyleAndTextTuples":
        most = _MOST_LINES_BEGUN * self.sheet.width
        parts: StyleAndTextTuples = []
        if begun := self.sheet.begun[-most:]:
            parts.append(("", begun + "\n"))
        if running := self._running():
            parts.append(("fg:ansibrightblack", running + "\n"))
        return [*parts, ("bold", _PROMPT)]


def lines_of(console: "Console") -> Lines:
    """Return where lines come from: from a person's terminal, if both ends are one."""
    is_terminal = sys.stdin.isatty() and console.is_terminal and not console.is_dumb_terminal
    if is_terminal:
        with suppress(ImportError):
            return TypedLines(console)
    return PipedLines(console)


def _read_lines() -> Iterator[str]:
    """Yield what stands on the lines of standard input; what is not UTF-8 is replaced.

    It is read below its buffer: a thread that holds a buffer's lock would break the end of the process.
    """
    source = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    begun = b""
    while chunk := source.read(_CHUNK_BYTES):
        *lines, begun = (begun + chunk).split(b"\n")
        yield from map(_decoded, lines)
    if begun:
        yield _decoded(begun)


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _history() -> "History":
    """Return the history of earlier chats; of this one alone where none can be kept."""
    from platformdirs import user_state_path
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    try:
        folder = user_state_path("cml", ensure_exists=True)
        (folder / "chat_history").touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(folder / "chat_history")
