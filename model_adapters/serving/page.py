"""The page: the assets of `interpreter.page`, served as they are; and an application that shows traces by it."""

from collections.abc import Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from interpreter.page import ASSETS
from interpreter.page.shown import rules_told
from model_adapters.serving.guard import Guard
from model_adapters.serving.wire import JsonAnswer, RefusedError, refusal_answer


async def _page(_: Request) -> Response:
    return FileResponse(ASSETS / "serve.html", media_type="text/html")


async def _rules(_: Request) -> Response:
    return JsonAnswer(rules_told())


_ASSETS: Final = Mount("/assets", StaticFiles(directory=ASSETS))
ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/", _page),
    Route("/rules.json", _rules),
    _ASSETS,
)
"""What a browser loads of a server of live sessions."""


def make_traces_app(parts: Mapping[str, bytes], *, token: str, port: int, name: str) -> Starlette:
    """Return the application of `cml view`: traces on a page, behind the guard.

    Args:
        parts: What the page shows, as `interpreter.page.shown.page_parts` returns it.
        token: What whoever asks has to know.
        port: Where the server listens.
        name: The name under which it is reached, besides addresses and localhost.
    """

    async def part(request: Request) -> Response:
        found = parts.get(request.path_params["part"])
        if found is not None:
            return Response(found, media_type="application/json")
        message = f"{request.url.path} is not answered here; what is shown is {', '.join(parts)}"
        return refusal_answer(RefusedError(404, message, "no_endpoint"))

    return Starlette(
        routes=[Route("/", _traces_page), Route("/{part}", part), _ASSETS],
        middleware=[Middleware(Guard, token=token, port=port, name=name)],
    )


async def _traces_page(_: Request) -> Response:
    return FileResponse(ASSETS / "view.html", media_type="text/html")
