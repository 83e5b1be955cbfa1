"""One MCP server, connected for as long as its tools may be called.

The connection lives in an event loop of its own, in a thread of its own. So the same functions run
under the blocking `Runtime` and under an `AsyncRuntime`, and a server that hangs keeps nobody. What
the server says on stderr goes nowhere, but for its end: that is told where the server fails.
"""

import asyncio
import logging
import shlex
from collections.abc import Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, Self

from cml.ast import Json
from cml.terminal.foreign import visible
from interpreter.errors import missing_extra
from interpreter.executors.event_loop import EventLoopThread
from interpreter.tools.progress import Progress
from model_adapters.errors import AdapterError
from model_adapters.mcp.last_words import LastWords

if TYPE_CHECKING:
    from anyio import CancelScope
    from mcp import Client
    from mcp.client import IncomingMessage, Transport
    from mcp_types import CallToolResult, Tool

LOG: Final = logging.getLogger("model_adapters.mcp")
_URL: Final = ("http://", "https://")
_TAIL_BYTES: Final = 2_000
_MOST_PAGES: Final = 100
_ENDED: Final = ("Connection closed", "SSE stream")
"""How the SDK begins what it says of an ended connection: servers use its code for their own."""
_RELIST_S: Final = 1.0
"""After how long a list is asked for again that changed again; each further wait is twice as long,
for a server that says so after each list."""
_GOODBYE_S: Final = 15.0
"""More than the SDK takes to end a server: it asks, waits two seconds, and kills."""


class ServerGone(Exception):
    """An MCP server has ended, or cannot be reached any more."""


class Connection:
    """A server and the tools that it lists. Use it as a context manager: leaving it ends the server.

    Args:
        address: A command line, or the URL of a server that listens already (streamable HTTP).
        patience_s: How long the server has to answer when it begins, in seconds.

    Attributes:
        tools: What it listed when it was connected.

    Raises:
        AdapterError: It cannot be started or reached, or is no MCP server.
        MissingExtraError: The extra `mcp` is not installed.
    """

    def __init__(self, address: str, patience_s: float = 30.0) -> None:
        try:
            import mcp  # noqa: F401
        except ImportError as error:
            raise missing_extra("mcp", error) from error
        # What the SDK logs reaches those who ask for it, and no terminal by itself.
        for name in ("mcp", "client"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        self.address = address
        self._patience_s = patience_s
        self._stack = ExitStack()
        self._words = LastWords(_TAIL_BYTES)
        self._stack.callback(self._words.close)
        self._loop = EventLoopThread()
        self._has_new_list, self._is_closing = asyncio.Event(), asyncio.Event()
        self._scope: CancelScope | None = None
        self._told: set[str] = set()
        self._begun: Future[tuple[Client, tuple[Tool, ...]]] = Future()
        self._life = self._loop.submit(self._live())
        try:
            self._client, self.tools = self._first_answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return the connection itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the server."""
        self.close()

    def close(self) -> None:
        """Say goodbye; a server that does not end in time is killed. Calls that still run fail."""
        self._loop.call_soon(self._is_closing.set if self._begun.done() else self._give_up)
        wait([self._life], _GOODBYE_S)
        self._loop.close(self._patience_s)
        self._stack.close()

    async def call(
        self, name: str, arguments: Mapping[str, Json], progress: Progress
    ) -> "CallToolResult":
        """Call a tool, from any event loop. To cancel the call is to tell the server so.

        Args:
            name: Its own name.
            arguments: By their own names.
            progress: Is told what the server reports of it.

        Raises:
            ServerGone: The server ended, before or during the call.
            mcp.MCPError: The server refuses the call.
        """
        try:
            call = self._loop.submit(self._call(name, arguments, progress))
        except RuntimeError:
            raise ServerGone(f"the MCP server {self.address} was closed") from None
        return await asyncio.wrap_future(call)

    async def _call(
        self, name: str, arguments: Mapping[str, Json], reported: Progress
    ) -> "CallToolResult":
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            reported.report(_report(progress, total, message))

        try:
            return await self._client.call_tool(name, dict(arguments), progress_callback=tell)
        except MCPError as error:
            if error.code == CONNECTION_CLOSED and error.message.startswith(_ENDED):
                raise ServerGone(self._why("has ended")) from None
            raise

    # ------------------------------------------------------------------ the life of a connection

    async def _live(self) -> None:
        """Connect, and stay until it is asked to end: enter and leave in one task."""
        from anyio import CancelScope
        from mcp import Client

        with CancelScope() as self._scope:
            async with Client(self._transport(), message_handler=self._take_note) as client:
                began = await self._listed(client)
                self._begun.set_result((client, began))
                watching = asyncio.create_task(self._watch(client, began))
                try:
                    await self._is_closing.wait()
                finally:
                    watching.cancel()

    def _give_up(self) -> None:
        """End a connection that has not begun: by its scope, from which the SDK shields what ends
        the server, and not as a task, from which it cannot.
        """
        if self._scope is not None:
            self._scope.cancel()

    def _transport(self) -> "str | Transport":
        from mcp import StdioServerParameters, stdio_client

        if self.address.startswith(_URL):
            return self.address
        try:
            command, *args = shlex.split(self.address)
        except ValueError as error:
            raise AdapterError(f"mcp:{self.address}: {error}; give a command line") from None
        # A byte that is no UTF-8 would end the connection; so it makes its line a bad one at worst.
        server = StdioServerParameters(command=command, args=args, encoding_error_handler="replace")
        return stdio_client(server, self._words.pipe)

    def _first_answer(self) -> "tuple[Client, tuple[Tool, ...]]":
        first: tuple[Future[object], ...] = (self._begun, self._life)  # type: ignore[assignment]
        wait(first, self._patience_s, return_when="FIRST_COMPLETED")
        if self._begun.done():
            return self._begun.result()
        if not self._life.done():
            raise AdapterError(self._why(f"did not answer within {self._patience_s:.0f} s"))
        error = _leaf(self._life.exception())
        if isinstance(error, AdapterError):
            raise error
        raise AdapterError(self._why(f"cannot be connected: {error}"))

    async def _take_note(self, message: "IncomingMessage") -> None:
        """Hear what the server says unasked: nothing of it changes the session."""
        from mcp_types import ToolListChangedNotification

        match message:
            case Exception():
                self._tell_once("prints what is no message of the protocol; it is skipped")
            case ToolListChangedNotification():
                self._has_new_list.set()
            case _:
                pass

    async def _watch(self, client: "Client", began: "tuple[Tool, ...]") -> None:
        """See whether the list becomes another than the one that the session began with."""
        from mcp import MCPError

        wait_s = _RELIST_S
        while True:
            await self._has_new_list.wait()
            self._has_new_list.clear()
            with suppress(MCPError, ValueError):  # one that lists no more has changed nothing
                if _schemas(await self._listed(client)) != _schemas(began):
                    self._tell_once("has changed its tools; this session keeps those it began with")
                    return
            await asyncio.sleep(wait_s)
            wait_s *= 2

    async def _listed(self, client: "Client") -> "tuple[Tool, ...]":
        """Return all pages of the tools that a server lists."""
        tools: list[Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return tuple(tools)
        self._tell_once(f"lists more than {_MOST_PAGES} pages of tools; the rest is left out")
        return tuple(tools)

    def _tell_once(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            LOG.warning("the MCP server %s %s", visible(self.address), what)

    def _why(self, what: str) -> str:
        """Say what is wrong with the server, with the last line that it said itself."""
        lines = self._words.text().strip().splitlines()
        said = f"; it said: {lines[-1].strip()}" if lines else ""
        return f"the MCP server {self.address} {what}{said}"


def _schemas(tools: "tuple[Tool, ...]") -> dict[str, object]:
    return {tool.name: tool.input_schema for tool in tools}


def _report(done: float, total: float | None, message: str | None) -> dict[str, Json]:
    """Return what a report of progress says, without what it leaves open."""
    told: dict[str, Json | None] = {"progress": _number(done), "message": message}
    if total is not None:
        told["total"] = _number(total)
    return {key: value for key, value in told.items() if value is not None}


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def _leaf(error: BaseException | None) -> BaseException | None:
    """Return the error inside groups of one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
