"""The backend `llamacpp`: the embedded model, or the GGUF file of another one."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Final

from cml.terminal.files import FileFaultError, in_words, require_readable
from model_adapters.constraint.constraint import Vocabulary
from model_adapters.embedded.downloads import embedded_model
from model_adapters.embedded.manifest import sha256_of
from model_adapters.embedded.smollm2 import AS_PUBLISHED, SPEAKING, embedded_gguf
from model_adapters.embedded.speaker.merging import CHANGE_KEY, merge_gguf
from model_adapters.embedded.speaker.weights import WEIGHTS_NAME
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.gguf_header import read_header
from model_adapters.llamacpp.model import GgufModel
from model_adapters.llamacpp.session import LlamaCppSession
from model_adapters.opening import (
    BARE_CONTEXT_TOKENS,
    BARE_SESSIONS,
    CALLS,
    CHANCE,
    LOG,
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
    if path and Path(path).is_dir():
        if not (Path(path) / WEIGHTS_NAME).is_file():
            raise FileFaultError(
                f"{path}: this is a folder without a {WEIGHTS_NAME}, as `cml train` writes it of the "
                "embedded model; name a GGUF file"
            )
    elif path:
        require_readable(path)


def open_llamacpp(request: Request, path: str) -> Opened:
    """Open a session on a GGUF file; on the embedded model's where none is named."""
    if request.device not in {None, "cpu"}:
        raise AdapterError(
            f"llamacpp computes on the CPU; for the device {request.device} use hf:FOLDER"
        )
    file = _file(request, path)
    model = (
        GgufModel(file, context_tokens=BARE_CONTEXT_TOKENS, contexts=BARE_SESSIONS)
        if request.bare
        else GgufModel(file, contexts=request.sessions)
    )
    speaks = model.tokens.speaks and suits_speaker(request.profile)
    fluency = SPEAKER if speaks else fluency_of(model.tokens.parameters)
    another = partial(_session, model, cache(model.vocabulary), fluency)
    return Opened(another(request), model.in_words, layout="lines", another=another)


def _file(request: Request, path: str) -> Path:
    """Return the GGUF file that is meant: a folder of `cml train` holds a change of the embedded one."""
    if path and not Path(path).is_dir():
        return Path(path)
    suits = suits_speaker(request.profile)
    form = AS_PUBLISHED if path or not suits else SPEAKING
    embedded_model(yes=request.yes, form=form)
    published = embedded_gguf(form)
    return _merged(published, Path(path) / WEIGHTS_NAME) if path and suits else published


def _merged(source: Path, change: Path) -> Path:
    """Return the GGUF file with a change of weights, beside it; made where that is not there."""
    target = change.with_suffix(".gguf")
    if target.is_file() and read_header(target).values.get(CHANGE_KEY) == sha256_of(change):
        return target
    LOG.info("writing %s, once", target)
    part = target.with_suffix(".part")
    try:
        merge_gguf(source, change, part)
        part.replace(target)
    except OSError as error:
        raise AdapterError(f"{target}: cannot be written: {in_words(error)}") from None
    finally:
        part.unlink(missing_ok=True)
    return target


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
    "a model on disk, decoded by llama.cpp, or a folder of cml train; llamacpp alone is the embedded one",
    _require_file,
    open_llamacpp,
    CALLS | CHANCE | {"device"},
)
