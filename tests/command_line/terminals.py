"""A terminal that a command is run in: what stands on its screen, and keys that are pressed."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte

PATIENCE_S = 60.0
ASKS_WHERE_THE_CURSOR_IS = b"\x1b[6n"


class Terminal:
    """`cml` in a process of its own, at a terminal of its own.

    Args:
        arguments: Of `cml`.
        home: Where it keeps what it keeps.
    """

    def __init__(self, *arguments: str | Path, home: Path, columns: int = 100) -> None:
        self._screen = pyte.Screen(columns, 50)
        self._stream = pyte.ByteStream(self._screen)
        words = [sys.executable, "-m", "model_adapters.commands.cli", *map(str, arguments)]
        lone = {"XDG_STATE_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": str(columns)}
        self._process, self._file = pty.fork()
        if not self._process:
            os.execve(words[0], words, {**os.environ, **lone})
        size = struct.pack("HHHH", 50, columns, 0, 0)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, size)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._file, keys.encode())

    def wait_for(self, condition: str | Callable[[str], bool]) -> str:
        """Wait until the screen holds a text, or is as it should be; return what it holds."""
        until = time.monotonic() + PATIENCE_S
        while not (condition in self.text if isinstance(condition, str) else condition(self.text)):
            assert time.monotonic() < until, self.text
            assert self._read(), f"it ended: {self.text}"
        return self.text

    def end(self) -> int:
        """Wait for the end; return the exit status."""
        while self._read():
            pass
        os.close(self._file)
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _read(self) -> bool:
        ready, _, _ = select.select([self._file], [], [], 0.2)
        if not ready:
            return True
        try:
            written = os.read(self._file, 65_536)
        except OSError:  # the other end was closed
            return False
        self._stream.feed(written)
        for _ in range(written.count(ASKS_WHERE_THE_CURSOR_IS)):
            cursor = self._screen.cursor
            self.press(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")
        return bool(written)
