"""The backend `hf`: the embedded model, or the folder of another one."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from cml.profile import Spelling
from cml.terminal.files import FileFaultError, require_readable
from interpreter.schedule.data.measured import measurement_of
from model_adapters.constraint.constraint import Vocabulary
from model_adapters.embedded.downloads import embedded_model
from model_adapters.embedded.speaker.weights import ABOUT_NAME, WEIGHTS_NAME, speaker_weights
from model_adapters.errors import AdapterError
from model_adapters.hf.batch import DecodingBatch
from model_adapters.hf.marker_tokens import with_marker_tokens
from model_adapters.hf.model import HfModel, load
from model_adapters.hf.out_of_memory import telling_out_of_memory
from model_adapters.hf.packed import with_packed_matrices
from model_adapters.hf.session import HfSession
from model_adapters.hf.thinking import Regions, regions_of
from model_adapters.opening import (
    EMBEDDED,
    OPTIONS,
    SPEAKER,
    Backend,
    Fluency,
    Opened,
    Request,
    chat_of,
    constraint_of,
    fluency_of,
    suits_speaker,
    with_regions,
)


def _require_folder(folder: str) -> None:
    if folder and not Path(folder).is_dir():
        require_readable(folder)
        raise FileFaultError(f"{folder}: this is a file; name the folder of a model")


class _Origin(msgspec.Struct, frozen=True):
    """Where a model comes from.

    Args:
        folder: Its folder; None for the embedded one.
        change: What is put on its weights.
        fluency: How it has to be talked to; None where its size tells.
    """

    folder: Path | None
    change: Path | None
    fluency: Fluency | None


def _open(request: Request, folder: str) -> Opened:
    origin = _origin(request, folder)
    if origin.folder is None:
        embedded_model(yes=request.yes)
    model = load(origin.folder, device=request.device, change=origin.change)
    if request.profile.markers is Spelling.TOKEN:
        _require_no_mask(request)
        model = with_marker_tokens(model)
    fluency = origin.fluency or fluency_of(model.network.num_parameters())
    with telling_out_of_memory("packing the model's matrices", "take a smaller one"):
        model = with_packed_matrices(model)
    batch = DecodingBatch(model) if request.sessions > 1 else None
    another = partial(_session, model, cache(model.vocabulary), fluency, batch)
    session = another(request)
    regions = _regions(model, request)
    return Opened(
        session,
        model.in_words,
        "lines",
        regions,
        session.measure_moves,
        another=another,
        together=batch is not None,
    )


def _origin(request: Request, folder: str) -> _Origin:
    """Return which model is meant.

    A folder of `cml train` holds a change of the embedded one, or the whole of another.
    """
    trained, suits = Path(folder) / WEIGHTS_NAME, suits_speaker(request.profile)
    if folder and not trained.is_file():
        is_speaker = suits and (Path(folder) / ABOUT_NAME).is_file()
        return _Origin(Path(folder), None, SPEAKER if is_speaker else None)
    if not suits:
        return _Origin(None, None, EMBEDDED)
    return _Origin(None, trained if folder else speaker_weights(), SPEAKER)


def _session(
    model: HfModel,
    vocabulary: Callable[[], Vocabulary],
    fluency: Fluency,
    batch: DecodingBatch | None,
    request: Request,
) -> HfSession:
    is_token = request.profile.markers is Spelling.TOKEN
    named = replace(request, profile=with_regions(request.profile, _regions(model, request)))
    return HfSession(
        model,
        chat_of(request, fluency),
        constraint=None if is_token else constraint_of(named, vocabulary, fluency),
        max_tokens=request.max_tokens,
        sampling=request.sampling,
        at_trap=request.at_trap,
        measured=measurement_of(model.in_words),
        markers=request.profile.markers,
        batch=batch,
    )


def _regions(model: HfModel, request: Request) -> Regions:
    return () if request.profile.markers is Spelling.TOKEN else regions_of(model.tokenizer)


def _require_no_mask(request: Request) -> None:
    if request.min_calls or request.max_calls is not None:
        raise AdapterError(
            "how many calls come is a matter of the mask, and there is none where markers are "
            "tokens; leave out --min-calls and --max-calls, or --markers token"
        )


HF: Final = Backend(
    "hf:FOLDER", "a model on disk; hf alone is the embedded one", _require_folder, _open, OPTIONS
)
