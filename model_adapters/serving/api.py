"""The API of live sessions: begin one, read its rows, speak to it, end it. One table says all of it."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import StreamingResponse

import cml
from model_adapters.serving.endpoint import Endpoint
from model_adapters.serving.events import EventsAnswer, rows_of
from model_adapters.serving.live.session import LiveSession, SaidAs, SessionDocument
from model_adapters.serving.live.sessions import LiveSessions
from model_adapters.serving.live.source import SessionWanted


class ServerDocument(msgspec.Struct, frozen=True):
    """What is told of the server.

    Args:
        version: That of this package.
        model: What decodes, in words.
        tools: The names of the functions that it may call.
        most_open: How many sessions may be open at a time.
    """

    version: str
    model: str
    tools: tuple[str, ...]
    most_open: int


class SessionsDocument(msgspec.Struct, frozen=True):
    """The sessions that are known.

    Args:
        sessions: Each as `SessionDocument` has it, the oldest first.
    """

    sessions: tuple[SessionDocument, ...]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says.

    Args:
        text: The words.
    """

    text: Annotated[str, Meta(min_length=1)]


class WordsTaken(msgspec.Struct, frozen=True):
    """What became of them.

    Args:
        said_as: `message` where they go into the turn that is under way, as an interrupt; `question`
            where they begin the next turn.
    """

    said_as: SaidAs


class CallNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of a session.

    Args:
        call: Its key, as in the rows.
    """

    call: str


async def server(sessions: LiveSessions, _: Request) -> ServerDocument:
    """Say what decodes, and what it may call."""
    source = sessions.source
    return ServerDocument(cml.__version__, source.model, tuple(source.functions), source.most_open)


async def known(sessions: LiveSessions, _: Request) -> SessionsDocument:
    """List the sessions: those that are open, and the last that are over."""
    return SessionsDocument(tuple(live.document for live in sessions))


async def begin(sessions: LiveSessions, _: Request, body: SessionWanted) -> SessionDocument:
    """Begin a session with a question. It runs from here on, whether anybody reads its rows or not."""
    return (await sessions.begin(body)).document


async def one(sessions: LiveSessions, request: Request) -> SessionDocument:
    """Say what a session does."""
    return _named(sessions, request).document


async def rows(sessions: LiveSessions, request: Request) -> EventsAnswer:
    """Stream the rows as server-sent events: `header` (number 0), `row`, at last `ended`. Each has its
    number as its id; with `Last-Event-ID`, or `?after=` in the query, it goes on after that one.
    """
    return rows_of(_named(sessions, request).log, request)


async def trace(sessions: LiveSessions, request: Request) -> StreamingResponse:
    """Return the trace so far as a file: the header, and each row in a line."""
    live = _named(sessions, request)
    headers = {"content-disposition": f'attachment; filename="session-{live.id}.jsonl"'}
    return StreamingResponse(live.log.trace(), headers=headers, media_type="application/jsonl")


async def say(sessions: LiveSessions, request: Request, body: Words) -> WordsTaken:
    """Say something into the turn that is under way; where none is, ask it as the next question."""
    return WordsTaken(_named(sessions, request).say(body.text))


async def ask(sessions: LiveSessions, request: Request, body: Words) -> SessionDocument:
    """Ask the next question; refused while a turn is under way."""
    live = _named(sessions, request)
    live.ask(body.text)
    return live.document


async def cancel(sessions: LiveSessions, request: Request, body: CallNamed) -> SessionDocument:
    """Cancel a call that runs: the model is told so, and what the function returns is not."""
    live = _named(sessions, request)
    live.cancel(body.call)
    return live.document


async def stop(sessions: LiveSessions, request: Request) -> SessionDocument:
    """Stop the turn that is under way, if one is; its calls are cancelled."""
    live = _named(sessions, request)
    live.stop()
    return live.document


async def close(sessions: LiveSessions, request: Request) -> SessionDocument:
    """End a session, and give its place to others; its rows can still be read."""
    live = _named(sessions, request)
    await live.close()
    return live.document


SESSION: Final = "/api/sessions/{id}"
ENDPOINTS: Final = (
    Endpoint("GET", "/api", server),
    Endpoint("GET", "/api/sessions", known),
    Endpoint("POST", "/api/sessions", begin, 201),
    Endpoint("GET", SESSION, one),
    Endpoint("DELETE", SESSION, close),
    Endpoint("GET", f"{SESSION}/rows", rows),
    Endpoint("GET", f"{SESSION}/trace", trace),
    Endpoint("POST", f"{SESSION}/say", say, 202),
    Endpoint("POST", f"{SESSION}/ask", ask, 202),
    Endpoint("POST", f"{SESSION}/cancel", cancel, 202),
    Endpoint("POST", f"{SESSION}/stop", stop, 202),
)
"""Everything that can be asked of live sessions."""


def _named(sessions: LiveSessions, request: Request) -> LiveSession:
    name: str = request.path_params["id"]
    return sessions.get(name)
