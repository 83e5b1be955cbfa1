"""The backend `hf`: the embedded model, or the folder of another one."""

from pathlib import Path
from typing import Final

from cml.profile import Level
from cml.terminal.files import FileFaultError, require_readable
from interpreter.schedule.measured import measurement_of
from model_adapters.constraint.constraint import Constraint, ToolChoice
from model_adapters.embedded.downloads import embedded_model
from model_adapters.hf.model import load
from model_adapters.hf.session import HfSession
from model_adapters.hf.thinking import regions_of
from model_adapters.opening import Backend, Opened, Request, chat_of, tools_of, with_regions


def _require_folder(folder: str) -> None:
    if folder and not Path(folder).is_dir():
        require_readable(folder)
        raise FileFaultError(f"{folder}: this is a file; name the folder of a model")


def _open(request: Request, folder: str) -> Opened:
    if not folder:
        embedded_model(yes=request.yes)
    model = load(Path(folder) if folder else None, device=request.device)
    level = Level.EXTENDED if folder else Level.CORE
    regions = regions_of(model.tokenizer)
    profile = with_regions(request.profile, regions)
    constraint = Constraint(
        model.vocabulary(), tools_of(request), _choice(request, folder, level), profile
    )
    session = HfSession(
        model,
        chat_of(request, level),
        constraint=constraint,
        max_tokens=request.max_tokens,
        sampling=request.sampling,
        at_trap=request.at_trap,
        measured=measurement_of(model.in_words),
    )
    return Opened(session, model.in_words, "lines", regions, session.measure_moves)


def _choice(request: Request, folder: str, level: Level) -> ToolChoice:
    at_most = ToolChoice().at_most if request.max_calls is None else request.max_calls
    return ToolChoice(request.min_calls, max(at_most, request.min_calls), bool(folder), level)


HF: Final = Backend(
    "hf:FOLDER", "a model on disk; hf alone is the embedded one", _require_folder, _open
)
