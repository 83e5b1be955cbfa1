"""The backend `openai`: a server, in the way that suits it, or that is asked for."""

from contextlib import ExitStack
from typing import Final

from cml.terminal.output import print_text
from interpreter.errors import missing_extra
from model_adapters.openai_compat.address import read_address
from model_adapters.opening import CHANCE, Backend, Opened, Request, chat_of, tools_of
from model_adapters.prompt import Message


def _require_address(word: str) -> None:
    read_address(word)


def _open(request: Request, word: str) -> Opened:
    address = read_address(word)
    try:
        from model_adapters.openai_compat.chat import LOSS, ChatSession
        from model_adapters.openai_compat.completions import CompletionsSession
        from model_adapters.openai_compat.server import Server
    except ImportError as error:
        raise missing_extra("openai", error) from error
    server = Server(address)
    continues = server.dialect.encode is not None
    with ExitStack() as stack:
        stack.callback(server.close)
        if (address.way or ("completions" if continues else "chat")) == "completions":
            session: CompletionsSession | ChatSession = CompletionsSession(
                server,
                chat_of(request),
                max_tokens=request.max_tokens,
                sampling=request.sampling,
            )
        else:
            print_text(f"{address.url}: chat: {LOSS}", err=True, color="bright_black")
            session = ChatSession(
                server,
                [Message("user", request.prompt)],
                tools=tools_of(request),
                profile=request.profile,
                max_tokens=request.max_tokens,
                sampling=request.sampling,
            )
        stack.pop_all()  # from here on it is closed with the session
    return Opened(
        session,
        server.in_words,
        layout="lines",
        afterwards=lambda: f"{address.url}: {server.usage.in_words}",
    )


OPENAI: Final = Backend(
    "openai:URL",
    "a server, as in openai:http://127.0.0.1:8000/v1",
    _require_address,
    _open,
    CHANCE,
)
