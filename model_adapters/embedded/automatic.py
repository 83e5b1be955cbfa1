"""The backend `auto`: the embedded model, decoded by what is installed, and why."""

from importlib.util import find_spec
from typing import Final

from cml.terminal.output import print_text
from model_adapters.errors import AdapterError, UnknownBackendError
from model_adapters.hf.opening import HF
from model_adapters.llamacpp.opening import LLAMACPP
from model_adapters.opening import OPTIONS, Backend, Opened, Request, asked_of, spelled

_NEEDED: Final = ("xllamacpp", "llguidance", "numpy")
_DECODERS: Final = ("xllamacpp", "torch")


def _require_nothing(rest: str) -> None:
    if rest:
        raise UnknownBackendError(f"auto:{rest}: auto takes no model; give hf:… or llamacpp:…")


def _open(request: Request, _: str) -> Opened:
    if all(find_spec(name) is None for name in _DECODERS):
        raise AdapterError(
            "nothing that decodes is installed; pip install "
            '"cml-lang[llamacpp]" is the quickest (34 MB), or give another --backend'
        )
    obstacle = _obstacle(request)
    chosen, word, why = (
        (HF, "hf", obstacle)
        if obstacle
        else (LLAMACPP, "llamacpp", "it is installed, and starts and decodes the fastest")
    )
    print_text(f"auto: the backend is {word}: {why}", err=True, color="bright_black")
    return chosen.open(request, "")


def _obstacle(request: Request) -> str | None:
    """Return why llama.cpp is not taken; None if it is."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        return f"the faster llamacpp needs {missing[0]}, which is not installed"
    if request.device not in {None, "cpu"}:
        return f"the device {request.device} is asked for, and llamacpp computes on the CPU"
    if (asked := asked_of(request)) and LLAMACPP.takes and (others := asked - LLAMACPP.takes):
        return f"llamacpp takes no {spelled(others)}"
    return None


AUTO: Final = Backend(
    "auto", "the embedded model, by the fastest that is installed", _require_nothing, _open, OPTIONS
)
