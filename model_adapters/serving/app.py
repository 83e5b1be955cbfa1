"""The application: the APIs and the page, behind the guard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cml.terminal.output import print_text
from model_adapters.serving import api, page
from model_adapters.serving.chat_api import answering
from model_adapters.serving.guard import Guard
from model_adapters.serving.live.sessions import LiveSessions
from model_adapters.serving.openapi import openapi
from model_adapters.serving.wire import (
    JsonAnswer,
    RefusedError,
    nothing_there,
    refusal_answer,
)

ENDPOINTS: Final = (*api.ENDPOINTS, *answering.ENDPOINTS)
"""Everything that is answered, but for the page and the description."""


def make_app(sessions: LiveSessions, *, token: str, port: int, name: str) -> Starlette:
    """Return the application of a server; it closes the sessions when it ends.

    Args:
        sessions: What it is about.
        token: What whoever asks has to know.
        port: Where the server listens.
        name: The name under which it is reached, besides addresses and localhost.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sessions:
            yield

    async def described(_: Request) -> Response:
        return JsonAnswer(openapi(ENDPOINTS))

    return Starlette(
        routes=[
            Route("/api/openapi.json", described),
            *page.ROUTES,
            *(endpoint.route(sessions) for endpoint in ENDPOINTS),
        ],
        middleware=[Middleware(Guard, token=token, port=port, name=name)],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
        lifespan=lifespan,
    )


async def _refuse(request: Request, error: Exception) -> Response:
    return nothing_there(request, error, "GET /api/openapi.json lists what is")


async def _fail(_: Request, error: Exception) -> Response:
    message = f"this is a fault of the server: {type(error).__name__}: {error}"
    print_text(f"Error: {message}", err=True)
    return refusal_answer(RefusedError(500, message, "fault"))
