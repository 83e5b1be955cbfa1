"""The application of `cml view`: the page, and the traces that it shows, behind the guard."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from interpreter.page import ASSETS
from model_adapters.serving.guard import Guard
from model_adapters.serving.page import MODULES
from model_adapters.serving.wire import nothing_there


def make_traces_app(parts: Mapping[str, bytes], *, token: str, port: int, name: str) -> Starlette:
    """Return the application.

    Args:
        parts: What the page shows, as `interpreter.page.shown.page_parts` returns it.
        token: What whoever asks has to know.
        port: Where the server listens.
        name: The name under which it is reached, besides addresses and localhost.
    """

    async def part(request: Request) -> Response:
        found = parts.get(request.path_params["part"])
        if found is None:
            raise HTTPException(404)
        return Response(found, media_type="application/json")

    async def refuse(request: Request, error: Exception) -> Response:
        return nothing_there(request, error, f"what is shown is {', '.join(parts)}")

    return Starlette(
        routes=[Route("/", _page), Route("/{part}", part), MODULES],
        middleware=[Middleware(Guard, token=token, port=port, name=name)],
        exception_handlers={HTTPException: refuse},
    )


async def _page(_: Request) -> Response:
    return FileResponse(ASSETS / "view.html", media_type="text/html")
