"""Where a server is, and how it is to be used: what stands after `openai:`."""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

import msgspec

from model_adapters.errors import UnknownBackendError

_TIMEOUT_S: Final = 60.0
_WAYS: Final = ("completions", "chat")
_GRAMMAR: Final = "llguidance"
_LONGEST_S: Final = 1_000_000.0
KEY_VARIABLE: Final = "OPENAI_API_KEY"
_PASSWORD: Final = re.compile("([^/?#]*//)?[^/?#]*@")
_NO_PASSWORD: Final = (
    "the address of a server holds no name and no password, for it stands in traces; a key is taken "
    f"from the variable {KEY_VARIABLE}"
)


class Address(msgspec.Struct, frozen=True):
    """Where a server is, and how it is used.

    Args:
        url: Up to the version, as in `http://127.0.0.1:8000/v1`.
        model: Which of its models; None where it has one only.
        way: `completions` or `chat`; None for what suits the server.
        timeout_s: How long it may send nothing, in seconds.
        is_held: Whether its answers are held to the grammar of calls, which it can where llguidance
            is built in.
    """

    url: str
    model: str | None = None
    way: str | None = None
    timeout_s: float = _TIMEOUT_S
    is_held: bool = False


def read_address(word: str) -> Address:
    """Read what stands after `openai:`, as in `http://host:8000/v1?model=name&way=chat`.

    Raises:
        UnknownBackendError: It is no such address.
    """
    if _PASSWORD.match(word):  # before anything else that is wrong is told with the whole address
        raise UnknownBackendError(_NO_PASSWORD)
    parts = _parts(word)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := asked.keys() - {"model", "way", "timeout", "grammar"}:
        raise UnknownBackendError(
            f"'openai:{word}': {min(unknown)} is none of model, way, timeout and grammar"
        )
    if (way := asked.get("way")) not in {None, *_WAYS}:
        raise UnknownBackendError(f"'openai:{word}': way is {way}; give completions or chat")
    if (grammar := asked.get("grammar")) not in {None, _GRAMMAR}:
        raise UnknownBackendError(f"'openai:{word}': grammar is {grammar}; give {_GRAMMAR}")
    if grammar and way == "chat":
        raise UnknownBackendError(
            f"'openai:{word}': no chat is held to a grammar; give completions, or no grammar"
        )
    try:
        timeout_s = float(asked.get("timeout", _TIMEOUT_S))
    except ValueError:
        timeout_s = 0.0
    if not 0 < timeout_s <= _LONGEST_S:
        raise UnknownBackendError(
            f"'openai:{word}': timeout is no number of seconds up to {_LONGEST_S:,.0f}"
        )
    url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"
    return Address(url, asked.get("model"), way, timeout_s, grammar is not None)


def _parts(word: str) -> SplitResult:
    """Return the parts of the address of a server."""
    try:
        parts = urlsplit(word)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is no number of one, half of a bracket
        pass
    raise UnknownBackendError(
        f"'openai:{word}' names no server; give its address, as in openai:http://127.0.0.1:8000/v1"
    )
