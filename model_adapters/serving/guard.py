"""Who may ask: whoever has the token, under an address that is this server's, from no other page.

A page of somebody else in the same browser can send requests here. It does not know the token; it
cannot have the browser add the cookie (SameSite=Strict) or, where another port of this machine counts
as the same site, cannot hide its origin; and a name of its own that it points at this machine (DNS
rebinding) stands in the Host header.
"""

import secrets
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model_adapters.serving.wire import RefusedError, refusal_answer

_SAFE: Final = {"GET", "HEAD"}
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer: nothing is kept, nothing comes from elsewhere, no other page looks in."""


class Guard:
    """Lets requests through to an application, or refuses them.

    The token is taken from `Authorization: Bearer`, from the cookie, or from the query of a GET,
    whose answer then sets the cookie.

    Args:
        app: The application.
        token: What whoever asks has to know.
        port: Where the server listens. Cookies do not tell ports apart, so its name holds it.
        name: The name under which the server is reached, besides addresses and localhost.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int, name: str) -> None:
        self._app = app
        self._token = token
        self._cookie = f"cml-{port}"
        self._name = name.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        sets_cookie = False

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if sets_cookie:
                    cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    headers.append("set-cookie", cookie)
            await send(message)

        try:
            self._check_host(request)
            sets_cookie = self._check_token(request)
        except RefusedError as refused:
            await refusal_answer(refused)(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _check_host(self, request: Request) -> None:
        host = request.headers.get("host", "")
        if not self._is_ours(host):
            message = f"the Host header is {host!r}; expected an address of this server"
            raise RefusedError(421, message, "wrong_host")
        origin = request.headers.get("origin")
        if origin is not None and origin != f"{request.url.scheme}://{host}":
            message = (
                f"the Origin header is {origin!r}; expected none, or that of this server's page"
            )
            raise RefusedError(403, message, "wrong_origin")

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in {"localhost", self._name}:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _check_token(self, request: Request) -> bool:
        """Return whether the answer sets the cookie."""
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer.strip()):
            return False
        is_safe = request.method in _SAFE
        if is_safe and self._is_token(request.query_params.get("token", "")):
            return True
        if self._is_token(self._cookie_of(request)):
            if is_safe or "origin" in request.headers:
                return False
            message = "a request that changes something and has the cookie needs an Origin header"
            raise RefusedError(403, message, "wrong_origin")
        message = (
            "the token is missing, or is another one; open the address that the server printed, or "
            "send the header Authorization: Bearer TOKEN"
        )
        raise RefusedError(401, message, "invalid_token")

    def _cookie_of(self, request: Request) -> str:
        try:
            found = SimpleCookie(request.headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), self._token.encode())
