"""What a process says last: it may talk for as long as it likes, and only the end is kept."""

import os
from threading import Thread
from typing import Final, TextIO

_AT_ONCE: Final = 65_536
_EOF_PATIENCE_S: Final = 1.0
"""How long the last words of a process that has ended may take; children of its own may hold the pipe
open for as long as they live."""


class LastWords:
    """A pipe for a process to write into, and the end of what came through it.

    Args:
        most_bytes: How much of it is kept.

    Attributes:
        pipe: Where it writes.
    """

    def __init__(self, most_bytes: int) -> None:
        reader, writer = os.pipe()
        self.pipe: TextIO = os.fdopen(writer, "w", encoding="utf-8")
        self._most_bytes = most_bytes
        self._kept = b""
        self._thread = Thread(target=self._read, args=[reader], name="cml-words", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return the end of what was written. No other process can be given the pipe after."""
        if not self.pipe.closed:
            self.close()
            self._thread.join(_EOF_PATIENCE_S)
        return self._kept.decode(errors="replace")

    def close(self) -> None:
        """Let go of the pipe; those who still write into it are read to their end."""
        self.pipe.close()

    def _read(self, reader: int) -> None:
        while chunk := os.read(reader, _AT_ONCE):
            self._kept = (self._kept + chunk)[-self._most_bytes :]
        os.close(reader)
