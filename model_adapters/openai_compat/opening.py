"""The backend `openai`: a server, in the way that suits it, or that is asked for."""

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Final

from cml.terminal.output import print_text
from interpreter.errors import missing_extra
from model_adapters.constraint.following import Following
from model_adapters.errors import OptionNotTakenError
from model_adapters.openai_compat.address import Address, read_address
from model_adapters.opening import (
    ANY_MODEL,
    CALLS,
    CHANCE,
    LOG,
    Backend,
    Fluency,
    Opened,
    Request,
    asked_of,
    chat_of,
    choice_of,
    fluency_of,
    spelled,
    tools_of,
)
from model_adapters.prompt import Message

if TYPE_CHECKING:
    from model_adapters.openai_compat.held import HeldAnswer
    from model_adapters.openai_compat.server import Server

NO_MASK: Final = "no grammar holds what the model writes; calls that are none are answered as such"
_COUNTS: Final = (
    "how many calls come is a matter of a grammar; give openai:URL?grammar=llguidance too"
)


def _require_address(word: str) -> None:
    read_address(word)


def _open(request: Request, word: str) -> Opened:
    address = read_address(word)
    if not address.is_held and (counts := asked_of(request) & CALLS):
        message = f"{request.backend} takes no {spelled(counts)}: {_COUNTS}"
        raise OptionNotTakenError(message, sorted(counts))
    try:
        from model_adapters.openai_compat.chat.session import LOSS, ChatSession
        from model_adapters.openai_compat.completions import CompletionsSession
        from model_adapters.openai_compat.server import Server
    except ImportError as error:
        raise missing_extra("openai", error) from error
    LOG.info("asking %s what it serves", address.url)
    server = Server(address)
    continues = server.dialect.tokens is not None
    with ExitStack() as stack:
        stack.callback(server.close)
        if (address.way or ("completions" if continues else "chat")) == "completions":
            fluency = _fluency(server)
            session: CompletionsSession | ChatSession = CompletionsSession(
                server,
                chat_of(request, fluency),
                max_tokens=request.max_tokens,
                sampling=request.sampling,
                held=_held(request, server, fluency) if address.is_held else None,
            )
            if not address.is_held:
                _tell(address, "completions", NO_MASK)
        else:
            _tell(address, "chat", LOSS)
            session = ChatSession(
                server,
                [*request.chat, Message("user", request.prompt)],
                tools=tools_of(request),
                profile=request.profile,
                max_tokens=request.max_tokens,
                sampling=request.sampling,
            )
        stack.pop_all()  # from here on it is closed with the session
    LOG.info("%s reads the prompt", address.url)
    return Opened(
        session,
        server.in_words,
        layout="lines",
        afterwards=lambda: f"{address.url}: {server.usage.in_words}",
    )


def _held(request: Request, server: "Server", fluency: Fluency) -> "HeldAnswer | None":
    from model_adapters.openai_compat.held import HeldAnswer, held_end

    if request.bare or not request.masked:
        return None
    following = Following(
        tools_of(request),
        choice_of(request, fluency),
        request.profile,
        goes_over=False,
        end_token=held_end(server),
    )
    return HeldAnswer(following, server.dialect.holding)


@cache
def _tell(address: Address, way: str, what: str) -> None:
    """Say what a way lacks: once, however many sessions are opened there."""
    print_text(f"{address.url}: {way}: {what}", err=True, color="bright_black")


def _fluency(server: "Server") -> Fluency:
    """Return what a model is fit for, where the server says how large it is."""
    return ANY_MODEL if server.parameters is None else fluency_of(server.parameters)


OPENAI: Final = Backend(
    "openai:URL",
    "a server, as in openai:http://127.0.0.1:8000/v1",
    _require_address,
    _open,
    CHANCE | CALLS,
)
