"""Backends: from `hf:FOLDER` or `script:FILE` on the command line to a session."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from cml.profile import Body, Level
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.session import EndOfDecoding, Session
from interpreter.state import Layout
from interpreter.tools.names import spelled_tools
from interpreter.tools.signature import Function, tool_of
from model_adapters.constraint.constraint import Constraint, ToolChoice
from model_adapters.embedded.downloads import embedded_model
from model_adapters.errors import AdapterError, UnknownBackendError
from model_adapters.prompt import build_messages, examples_of

_SCRIPT_TOKEN_S: Final = 0.03


class Request(msgspec.Struct, frozen=True):
    """What a session is wanted for.

    Args:
        backend: As on the command line.
        prompt: What a person asks.
        functions: What the model may call, by name.
        max_tokens: Limit of what the model writes.
        min_calls: Calls that the model has to begin with.
        max_calls: Calls that it may write in all; None for any number.
        device: Where the model runs; None for what there is.
        yes: Whether a person agreed beforehand to downloads.
    """

    backend: str
    prompt: str
    functions: Mapping[str, Function]
    max_tokens: int = 200
    min_calls: int = 0
    max_calls: int | None = None
    device: str | None = None
    yes: bool = False


class Opened(msgspec.Struct, frozen=True):
    """A session that is ready to decode.

    Args:
        session: The session; the prompt is in its context.
        model: What decodes, in words.
        layout: How this model reads interrupts best.
    """

    session: Session
    model: str
    layout: Layout = "inline"


def open_backend(request: Request) -> Opened:
    """Return a session of the backend that a request names.

    Args:
        request: What is wanted.

    Raises:
        AdapterError: The backend is unknown, or cannot be had.
    """
    kind, _, rest = request.backend.partition(":")
    match kind:
        case "hf":
            return _open_hf(request, rest)
        case "script":
            return _open_script(Path(rest), request.max_tokens)
        case _:
            raise UnknownBackendError(
                f"{request.backend!r} is no backend; give hf, hf:FOLDER or script:FILE"
            )


def _open_hf(request: Request, folder: str) -> Opened:
    from model_adapters.hf.model import load
    from model_adapters.hf.session import HfSession

    if not folder:
        embedded_model(yes=request.yes)
    own = [tool_of(function, name) for name, function in request.functions.items()]
    tools = spelled_tools(own, Body.PYTHON)
    examples = examples_of(request.functions.values())
    model = load(Path(folder) if folder else None, device=request.device)
    at_most = ToolChoice().at_most if request.max_calls is None else request.max_calls
    level = Level.EXTENDED if folder else Level.CORE
    choice = ToolChoice(request.min_calls, max(at_most, request.min_calls), bool(folder), level)
    session = HfSession(
        model,
        build_messages(tools, request.prompt, examples, level=level),
        constraint=Constraint(model.vocabulary(), tools, choice),
        max_tokens=request.max_tokens,
    )
    return Opened(session, model.in_words, layout="lines")


def _open_script(path: Path, max_tokens: int) -> Opened:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AdapterError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise AdapterError(f"{path}: not UTF-8 at byte {error.start + 1}") from None
    pieces: list[str | EndOfDecoding] = [*pieces_of(text)]
    if len(pieces) > max_tokens:
        pieces = [*pieces[:max_tokens], EndOfDecoding("length")]
    return Opened(ScriptedSession(pieces, _SCRIPT_TOKEN_S), f"the script {path.name}")
