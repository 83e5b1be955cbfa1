"""The server: a socket, its address, and an end in good order."""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from types import FrameType
from typing import Final

import msgspec
import uvicorn
from starlette.types import ASGIApp

from cml.terminal.files import in_words
from model_adapters.serving.app import make_app
from model_adapters.serving.live.sessions import LiveSessions
from model_adapters.serving.live.source import Source

_PATIENCE_S: Final = 10
"""How long answers that are under way may take when the server ends, in seconds."""
_TOKEN_BYTES: Final = 24
_FAR: Final[Mapping[int, tuple[str, str]]] = {
    socket.AF_INET: ("192.0.2.1", "127.0.0.1"),
    socket.AF_INET6: ("2001:db8::1", "::1"),
}
"""An address that is on no network here (those that are kept for documents), and the loopback, of each family."""


class ServerAddress(msgspec.Struct, frozen=True):
    """Where a server is to be found.

    Args:
        page: The address of the page; it holds the token.
        server: What every address of the API begins with.
        base_url: What clients of OpenAI's API call so.
        token: What whoever asks has to know: such a client's `api_key`.
    """

    page: str
    server: str
    base_url: str
    token: str


class ListeningError(Exception):
    """An address where no server can listen."""


class _Listening(uvicorn.Server):
    """Ends what streams first where it is told to end: streams would never do so by themselves."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], Awaitable[None]] | None) -> None:
        super().__init__(config)
        self._end = end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Future[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal, wherever the program is."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        if self._closing is None and self._end is not None:
            self._closing = asyncio.ensure_future(self._end())


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: The name or address of an interface.
        port: 0 for any that is free.

    Raises:
        ListeningError: It cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        words = in_words(error) if isinstance(error, OSError) else str(error)
        raise ListeningError(f"{host}:{port}: no server can listen there: {words}") from None


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def address_of(host: str, listening: socket.socket, token: str) -> ServerAddress:
    """Return where a server is to be found.

    Args:
        host: Where it listens, as a person said it.
        listening: Its socket.
        token: What whoever asks has to know.
    """
    port: int = listening.getsockname()[1]
    name = _reached(host, listening.family)
    root = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    return ServerAddress(f"{root}/?token={token}", root, f"{root}/v1", token)


def _reached(host: str, family: socket.AddressFamily) -> str:
    """Return under which name a server is reached that listens at a host.

    Where that is every interface (0.0.0.0), it is the address by which this machine reaches others, or
    the loopback where it reaches none.
    """
    try:
        is_every_interface = ip_address(host).is_unspecified
    except ValueError:
        return host
    if not is_every_interface:
        return host
    far, loopback = _FAR[family]
    with socket.socket(family, socket.SOCK_DGRAM) as asking, suppress(OSError):
        asking.connect((far, 9))  # nothing is sent: a route is looked up
        found: str = asking.getsockname()[0]
        return found
    return loopback


def serve(source: Source, listening: socket.socket, *, host: str, token: str) -> None:
    """Serve until a signal comes.

    Args:
        source: Where sessions come from.
        listening: The socket; it is closed at the end.
        host: The name under which the server is reached.
        token: What whoever asks has to know.

    Raises:
        KeyboardInterrupt: It was Ctrl-C.
    """
    asyncio.run(_serve(source, listening, host, token))


async def _serve(source: Source, listening: socket.socket, host: str, token: str) -> None:
    sessions = LiveSessions(source)
    app = make_app(sessions, token=token, port=listening.getsockname()[1], name=host)
    await serve_app(app, listening, sessions.aclose)


async def serve_app(
    app: ASGIApp, listening: socket.socket, end: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Serve an application until a signal comes.

    Args:
        app: The application.
        listening: The socket; it is closed at the end.
        end: Ends what streams; None where nothing does.

    Raises:
        KeyboardInterrupt: The signal was Ctrl-C.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        http="h11",
        lifespan="on",
        log_level="critical",  # what goes wrong is told by the application
        loop="asyncio",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE_S,
        ws="none",
    )
    await _Listening(config, end).serve([listening])
