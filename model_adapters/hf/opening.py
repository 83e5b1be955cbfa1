"""The backend `hf`: the embedded model, or the folder of another one."""

from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from cml.profile import Level, Spelling
from cml.terminal.files import FileFaultError, require_readable
from interpreter.schedule.data.measured import measurement_of
from model_adapters.constraint.constraint import Constraint
from model_adapters.embedded.downloads import embedded_model
from model_adapters.errors import AdapterError
from model_adapters.hf.marker_tokens import with_marker_tokens
from model_adapters.hf.model import HfModel, load
from model_adapters.hf.session import HfSession
from model_adapters.hf.thinking import Regions, regions_of
from model_adapters.opening import (
    OPTIONS,
    Backend,
    Opened,
    Request,
    chat_of,
    constraint_of,
    with_regions,
)


def _require_folder(folder: str) -> None:
    if folder and not Path(folder).is_dir():
        require_readable(folder)
        raise FileFaultError(f"{folder}: this is a file; name the folder of a model")


def _open(request: Request, folder: str) -> Opened:
    if not folder:
        embedded_model(yes=request.yes)
    model = load(Path(folder) if folder else None, device=request.device)
    if request.profile.markers is Spelling.TOKEN:
        _require_no_mask(request)
        model = with_marker_tokens(model)
    another = partial(_session, model, is_embedded=not folder)
    session = another(request)
    regions = _regions(model, request)
    return Opened(session, model.in_words, "lines", regions, session.measure_moves, another=another)


def _session(model: HfModel, request: Request, *, is_embedded: bool) -> HfSession:
    # The embedded model is better off with the core, and with no other brackets than those of CML.
    level, brackets = (Level.CORE, False) if is_embedded else (Level.EXTENDED, True)
    is_token = request.profile.markers is Spelling.TOKEN
    return HfSession(
        model,
        chat_of(request, level),
        constraint=None if is_token else _constraint(model, request, level, brackets=brackets),
        max_tokens=request.max_tokens,
        sampling=request.sampling,
        at_trap=request.at_trap,
        measured=measurement_of(model.in_words),
        markers=request.profile.markers,
    )


def _regions(model: HfModel, request: Request) -> Regions:
    return () if request.profile.markers is Spelling.TOKEN else regions_of(model.tokenizer)


def _require_no_mask(request: Request) -> None:
    if request.min_calls or request.max_calls is not None:
        raise AdapterError(
            "how many calls come is a matter of the mask, and there is none where markers are "
            "tokens; leave out --min-calls and --max-calls, or --markers token"
        )


def _constraint(
    model: HfModel, request: Request, level: Level, *, brackets: bool
) -> Constraint | None:
    profile = with_regions(request.profile, _regions(model, request))
    return constraint_of(
        replace(request, profile=profile), model.vocabulary, level, brackets=brackets
    )


HF: Final = Backend(
    "hf:FOLDER", "a model on disk; hf alone is the embedded one", _require_folder, _open, OPTIONS
)
