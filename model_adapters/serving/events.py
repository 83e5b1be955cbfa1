"""Rows as server-sent events: each with its number, so that a reader who lost the line reads on."""

from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from interpreter.trace import encode_header
from model_adapters.serving.live.row_log import RowLog
from model_adapters.serving.wire import RefusedError

SIGN_OF_LIFE_S: Final = 15.0
"""After how long without a row a comment is sent, so that nobody between takes the line for dead."""
SIGN_OF_LIFE: Final = b": nothing new\n\n"
_AGAIN: Final = b"retry: 500\n\n"
"""After how many milliseconds a browser that lost the line comes again."""


class EventsAnswer(StreamingResponse):
    """An answer that is a stream of server-sent events.

    Args:
        events: What is sent, as it comes.
        headers: More headers.
        leave: Is called when all was sent, or the reader went away.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncIterator[bytes],
        headers: Mapping[str, str] = MappingProxyType({}),
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(events, headers=headers)
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


def rows_of(log: RowLog, request: Request) -> EventsAnswer:
    """Return the events of a log: the header as number 0, each row, and at last why it ended.

    Args:
        log: The log.
        request: Says in `Last-Event-ID`, or in the query as `after`, which number was seen last.

    Raises:
        RefusedError: It says something else than a number, or one that is still to come.
    """
    seen = request.headers.get("last-event-id") or request.query_params.get("after") or "-1"
    is_number = seen.removeprefix("-").isdecimal() and len(seen) < 19
    if not is_number or not -1 <= int(seen) <= len(log.rows):
        message = f"{seen!r} is no number of a row that was sent; there are {len(log.rows):,}"
        raise RefusedError(400, message, "no_row", "after")
    return EventsAnswer(_events(log, int(seen)))


async def _events(log: RowLog, seen: int) -> AsyncIterator[bytes]:
    yield _AGAIN
    if seen < 0:
        yield _event("header", encode_header(log.header), 0)
    number = max(seen, 0)
    async for rows in log.follow(number, SIGN_OF_LIFE_S):
        if not rows:
            yield SIGN_OF_LIFE
            continue
        lines = log.lines(number, len(rows))
        yield b"".join(_event("row", line, at) for at, line in enumerate(lines, number + 1))
        number += len(rows)
    if log.ended:
        yield _event("ended", msgspec.json.encode(log.ended._asdict()) + b"\n", None)


def _event(kind: str, line: bytes, number: int | None) -> bytes:
    """Return one event; the line is JSON with its line feed."""
    named = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n" % (named, kind.encode(), line)
