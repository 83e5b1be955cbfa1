"""One entry of an API: what it is called, and the function that answers, whose types say the rest."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Literal, get_type_hints

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from model_adapters.serving.live.sessions import LiveSessions
from model_adapters.serving.wire import JsonAnswer, RefusedError, read_body, refusal_answer


class Endpoint(msgspec.Struct, frozen=True):
    """One method of one path.

    Args:
        method: The method of HTTP.
        path: The path, names of what varies in braces.
        act: Answers: given the sessions, the request and, where it has a parameter `body`, the body
            of the request as what that parameter is annotated with. It returns a document or a
            response; its docstring says what it does.
        status: The status of an answer that is a document.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    act: Callable[..., Awaitable[msgspec.Struct | Response]]
    status: int = 200

    @property
    def about(self) -> str:
        """What it does, in a sentence."""
        return inspect.getdoc(self.act) or ""

    @property
    def takes(self) -> type[msgspec.Struct] | None:
        """What the body of a request has to be; None where there is none."""
        taken: type[msgspec.Struct] | None = get_type_hints(self.act).get("body")
        return taken

    @property
    def gives(self) -> object:
        """What it answers with: a document, or a kind of response."""
        return get_type_hints(self.act)["return"]

    def route(self, sessions: LiveSessions) -> Route:
        """Return it as a route of an application."""
        takes = self.takes

        async def answer(request: Request) -> Response:
            try:
                body = {} if takes is None else {"body": await read_body(request, takes)}
                answered = await self.act(sessions, request, **body)
            except RefusedError as refused:
                return refusal_answer(refused)
            if isinstance(answered, Response):
                return answered
            return JsonAnswer(answered, self.status)

        return Route(self.path, answer, methods=[self.method])
