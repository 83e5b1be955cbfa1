"""The page: the assets of `interpreter.page`, served as they are."""

from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from interpreter.page import ASSETS
from interpreter.page.shown import rules_told
from model_adapters.serving.wire import JsonAnswer


async def _page(_: Request) -> Response:
    return FileResponse(ASSETS / "serve.html", media_type="text/html")


async def _rules(_: Request) -> Response:
    return JsonAnswer(rules_told())


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/", _page),
    Route("/rules.json", _rules),
    Mount("/assets", StaticFiles(directory=ASSETS)),
)
"""What a browser loads."""
