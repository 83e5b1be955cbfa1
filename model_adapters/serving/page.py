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


MODULES: Final = Mount("/assets", StaticFiles(directory=ASSETS))
"""What every page is made of: style and modules."""
ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/", _page),
    Route("/rules.json", _rules),
    MODULES,
)
"""What a browser loads of a server of live sessions."""
