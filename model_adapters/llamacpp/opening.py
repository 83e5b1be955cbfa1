"""The backend `llamacpp`: the embedded model, or the GGUF file of another one."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Final

from cml.terminal.files import FileFaultError, require_readable
from model_adapters.constraint.constraint import Vocabulary
from model_adapters.embedded.downloads import embedded_model
from model_adapters.embedded.smollm2 import AS_PUBLISHED, SPEAKING, embedded_gguf
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.model import GgufModel
from model_adapters.llamacpp.session import LlamaCppSession
from model_adapters.opening import (
    BARE_CONTEXT_TOKENS,
    BARE_SESSIONS,
    CALLS,
    CHANCE,
    SPEAKER,
    Backend,
    Fluency,
    Opened,
    Request,
    chat_of,
    constraint_of,
    fluency_of,
    suits_speaker,
)


def _require_file(path: str) -> None:
    if Path(path).is_dir() and path:
        raise FileFaultError(f"{path}: this is a folder; name a GGUF file")
    if path:
        require_readable(path)


def open_llamacpp(request: Request, path: str) -> Opened:
    """Open a session on a GGUF file; on the embedded model's where none is named."""
    if request.device not in {None, "cpu"}:
        raise AdapterError(
            f"llamacpp computes on the CPU; for the device {request.device} use hf:FOLDER"
        )
    file, trained = Path(path), False
    if not path:
        trained = suits_speaker(request.profile)
        form = SPEAKING if trained else AS_PUBLISHED
        embedded_model(yes=request.yes, form=form)
        file = embedded_gguf(form)
    model = (
        GgufModel(file, context_tokens=BARE_CONTEXT_TOKENS, contexts=BARE_SESSIONS)
        if request.bare
        else GgufModel(file, contexts=request.sessions)
    )
    fluency = SPEAKER if trained else fluency_of(model.tokens.parameters)
    another = partial(_session, model, cache(model.vocabulary), fluency)
    return Opened(another(request), model.in_words, layout="lines", another=another)


def _session(
    model: GgufModel, vocabulary: Callable[[], Vocabulary], fluency: Fluency, request: Request
) -> LlamaCppSession:
    return LlamaCppSession(
        model,
        chat_of(request, fluency),
        constraint=constraint_of(request, vocabulary, fluency),
        max_tokens=request.max_tokens,
        sampling=request.sampling,
    )


LLAMACPP: Final = Backend(
    "llamacpp:FILE.gguf",
    "a model on disk, decoded by llama.cpp; llamacpp alone is the embedded one",
    _require_file,
    open_llamacpp,
    CALLS | CHANCE | {"device"},
)
