"""What goes over the wire: JSON in, JSON out, and one form for everything that is refused."""

import re
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MOST_BODY_BYTES: Final = 1_048_576
"""The longest body of a request."""

_FIELD: Final = re.compile(r"`\$\.([^`]+)`|field `([^`]+)`")
_KINDS: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

Body_co = TypeVar("Body_co", bound=msgspec.Struct, covariant=True)
Document = TypeVar("Document")


class RefusedError(Exception):
    """A request that is not done.

    Args:
        status: The status of HTTP.
        message: What was expected, and what to do.
        code: The same in one word, for programs.
        param: The field that it is about, if it is about one.
    """

    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param


class ErrorDetails(msgspec.Struct, frozen=True):
    """What is wrong with a request.

    Args:
        message: What was expected, and what to do.
        type: What kind of fault it is, in the words of OpenAI's API.
        param: The field that it is about; null where it is about none.
        code: What is wrong, in one word.
    """

    message: str
    type: str
    param: str | None
    code: str


class ErrorDocument(msgspec.Struct, frozen=True):
    """The body of every answer that refuses a request: the form of OpenAI's API."""

    error: ErrorDetails


def error_document(refused: RefusedError) -> ErrorDocument:
    """Return what a client is told of a request that is not done."""
    usual = "server_error" if refused.status >= 500 else "invalid_request_error"
    kind = _KINDS.get(refused.status, usual)
    return ErrorDocument(ErrorDetails(refused.message, kind, refused.param, refused.code))


class JsonAnswer(Response, Generic[Document]):
    """An answer of one JSON document.

    Args:
        document: What msgspec can encode.
        status: The status of HTTP.
        headers: More headers.
    """

    media_type = "application/json"

    def __init__(
        self, document: Document, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(msgspec.json.encode(document), status, headers)


def refusal_answer(refused: RefusedError) -> JsonAnswer[ErrorDocument]:
    """Return the answer to a request that is not done."""
    headers = {"www-authenticate": "Bearer"} if refused.status == 401 else None
    return JsonAnswer(error_document(refused), refused.status, headers)


def nothing_there(request: Request, error: Exception, hint: str) -> JsonAnswer[ErrorDocument]:
    """Return the answer where Starlette itself refuses: a path or a method that is none.

    Args:
        request: The request.
        error: Starlette's.
        hint: What can be asked for.
    """
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"{request.method} {request.url.path} is not answered here; {hint}"
    return refusal_answer(RefusedError(status, message, "no_endpoint"))


async def read_body(request: Request, kind: type[Body_co]) -> Body_co:
    """Read the body of a request.

    Args:
        request: The request.
        kind: What it has to be.

    Raises:
        RefusedError: It is too long, no JSON, or another document.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            message = (
                f"the body is longer than {MOST_BODY_BYTES:,} bytes, the most that it may have"
            )
            raise RefusedError(413, message, "too_long")
    return body_of(body, kind)


def body_of(body: bytes | bytearray, kind: type[Body_co]) -> Body_co:
    """Return what the bytes of a body say.

    Args:
        body: Any bytes.
        kind: What they have to be.

    Raises:
        RefusedError: They are no JSON in UTF-8, nest without end, or are another document.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = _FIELD.search(str(error))
        message = f"the body is not what was expected: {error}"
        if "field" in message:
            message += f"; the fields are {', '.join(kind.__struct_fields__)}"
        param = found and (found[1] or found[2])
        raise RefusedError(400, message, "invalid_body", param) from None
