"""The rows of a live session, each with its number: kept, and read on from any of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from interpreter.events import Row
from interpreter.trace import Header, encode_header, encode_row, with_checksum

_MOST_AT_ONCE: Final = 500
"""Rows that are handed on together: a reader that comes late costs no more memory than these."""


class EndOfRows(NamedTuple):
    """Why no more rows come.

    Args:
        reason: `closed` by a person or the server, `over` where one turn was wanted, or `failed`.
        message: What is to be said of it; may be empty.
    """

    reason: str
    message: str = ""


class RowLog:
    """Keeps the rows of one session, in its event loop. Who reads them never holds up who writes.

    Args:
        header: The first line of the trace.

    Attributes:
        rows: The rows so far; the n-th has the number n.
        ended: Why no more will come; None while more may.
    """

    def __init__(self) -> None:
        self.header = Header(1)
        self.rows: list[Row] = []
        self._lines: list[bytes] = []
        self.ended: EndOfRows | None = None
        self._changed = asyncio.Event()

    def write(self, rows: Sequence[Row]) -> None:
        """Take the rows of an instant: the journal of the session."""
        self.rows += rows
        self._tell()

    def end(self, ended: EndOfRows) -> None:
        """Say that no more rows come. The first reason counts."""
        self.ended = self.ended or ended
        self._tell()

    async def follow(self, after: int, patience_s: float) -> AsyncIterator[Sequence[Row]]:
        """Read on, until no more rows come.

        Args:
            after: The number of the last row that was seen.
            patience_s: After how many seconds without any nothing is yielded, as a sign of life.

        Yields:
            The rows that follow, in order and each once; none where there was none for long.
        """
        while True:
            changed = self._changed
            while after < len(self.rows):
                found = self.rows[after : after + _MOST_AT_ONCE]
                after += len(found)
                yield found
            if self.ended and after >= len(self.rows):
                return
            try:
                async with asyncio.timeout(patience_s):
                    await changed.wait()
            except TimeoutError:
                yield ()

    def lines(self, after: int, count: int) -> Sequence[bytes]:
        """Return rows as lines of a trace, without checksums: encoded once, whoever asks for them.

        Args:
            after: The number of the row before the first of them.
            count: How many; so many have come.
        """
        self._lines += map(encode_row, self.rows[len(self._lines) : after + count])
        return self._lines[after : after + count]

    def trace(self) -> Iterator[bytes]:
        """Return the lines of the trace so far, with checksums as any file of one has them."""
        lines = chain((encode_header(self.header),), self.lines(0, len(self.rows)))
        return map(with_checksum, lines)

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
