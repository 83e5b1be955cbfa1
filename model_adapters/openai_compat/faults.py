"""What can go wrong between here and a server, in words, and whether it is worth another try."""

from typing import Final

import msgspec
import openai

from model_adapters.errors import AdapterError

_FULL: Final = ("context size", "context length", "context_length", "maximum context")
_BUSY_FROM: Final = 500
_PASSING: Final = (408, 409, 429)
_LONGEST_WAIT_S: Final = 60.0


class ServerError(AdapterError):
    """A server did not do what it was asked for."""


class BrokenStreamError(Exception):
    """A stream ended without saying that it does, or told what is no event."""


class ServerFault(msgspec.Struct, frozen=True):
    """Something that went wrong.

    Args:
        message: What, in words.
        again: Whether the same request may go well the next time.
        full: Whether it is only that the context is full.
        wait_s: How long the server wants nothing of it, where it says so.
    """

    message: str
    again: bool = False
    full: bool = False
    wait_s: float = 0.0


FAULTS: Final = (
    openai.OpenAIError,
    ValueError,
    RecursionError,
    msgspec.ValidationError,
    BrokenStreamError,
)
"""What the client raises: `ValueError` where bytes are no UTF-8 and text is no JSON, and
`RecursionError` where its brackets are too deep to be read."""


def fault_of(error: Exception, *, timeout_s: float) -> ServerFault:
    """Return what an error of the client says.

    Args:
        error: One of `FAULTS`.
        timeout_s: How long the client waits for a byte.
    """
    match error:
        case openai.APITimeoutError():
            return ServerFault(f"the server sent nothing for {timeout_s:g} s", again=True)
        case openai.APIConnectionError():
            return ServerFault(f"the connection broke: {error.__cause__ or error}", again=True)
        case openai.APIStatusError():
            return _refusal(error)
        case openai.APIError():
            code = error.body.get("code") if isinstance(error.body, dict) else None
            again = not isinstance(code, int) or code >= _BUSY_FROM
            return ServerFault(f"the server broke off with an error: {error.message}", again=again)
        case ValueError() | RecursionError() | msgspec.ValidationError():
            return ServerFault(f"the server sent what is no event: {error}", again=True)
        case _:
            return ServerFault(str(error), again=isinstance(error, BrokenStreamError))


def _refusal(error: openai.APIStatusError) -> ServerFault:
    """Return what the status and the body of an answer say."""
    said = _words(error)
    wait_s = _seconds(error.response.headers.get("retry-after", "0"))
    wait = f" (it says to come back in {wait_s:g} s)" if wait_s else ""
    return ServerFault(
        f"the server answers {error.status_code}{wait}: {said}",
        again=(error.status_code in _PASSING or error.status_code >= _BUSY_FROM)
        and wait_s <= _LONGEST_WAIT_S,
        full=any(words in said.lower() for words in _FULL),
        wait_s=wait_s,
    )


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:  # a date
        return 0.0


def _words(error: openai.APIStatusError) -> str:
    """Return what a server says of an error, without what the client says of it."""
    body = error.body
    inner = body.get("error", body) if isinstance(body, dict) else body
    message = inner.get("message") if isinstance(inner, dict) else inner
    return str(message or error.message)
