"""The embedded model's GGUF file with the change of the speaker in it, for llama.cpp.

llama.cpp can put adapters on a model itself, and pays for them with each token. Here they are added
to the weights once, and those that change are kept in 8 bits instead of 4.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from interpreter.errors import missing_extra
from model_adapters.embedded.manifest import sha256_of
from model_adapters.embedded.speaker.spelling import NAMES_KEY
from model_adapters.embedded.speaker.weights import read_weights
from model_adapters.errors import AdapterError

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFReader, GGUFWriter
    from numpy.typing import NDArray

CHANGE_KEY: Final = "cml.change"
"""The key that says which change of weights was added: the SHA-256 of its file."""
_HEADS: Final = {"attn_q": "head_count", "attn_k": "head_count_kv"}
"""Layers whose rows GGUF has in another order, and which key says how many heads they are of."""


def merge_gguf(source: Path, change: Path, target: Path) -> None:
    """Write a GGUF file again, with a change of weights added.

    Args:
        source: A GGUF file of the architecture llama.
        change: Weights of `cml train`.
        target: Where to.

    Raises:
        MissingExtraError: The extra `llamacpp` is not installed.
        AdapterError: The weights cannot be read, or are of another model.
    """
    try:
        from gguf import (
            MODEL_ARCH,
            GGMLQuantizationType,
            GGUFReader,
            GGUFWriter,
            dequantize,
            get_tensor_name_map,
            quantize,
        )
    except ImportError as error:
        raise missing_extra("llamacpp", error) from error
    weights = read_weights(change)
    reader = GGUFReader(source)
    blocks = int(reader.fields["llama.block_count"].contents())
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, blocks)
    added = {f"{names.get_name(layer)}.weight": each for layer, each in weights.layers.items()}
    if unknown := added.keys() - {tensor.name for tensor in reader.tensors}:
        raise AdapterError(f"{change}: these weights do not fit the model: {min(unknown)}")
    writer = GGUFWriter(target, "llama")
    _copy_keys(reader, writer)
    writer.add_string(NAMES_KEY, weights.about.get("names", ""))
    writer.add_string(CHANGE_KEY, sha256_of(change))
    for tensor in reader.tensors:
        kind, data = tensor.tensor_type, tensor.data
        if tensor.name in added:
            whole, product = dequantize(data, kind), added[tensor.name].product
            if whole.shape != product.shape:
                raise AdapterError(f"{change}: these weights do not fit the model: {tensor.name}")
            kind = GGMLQuantizationType.Q8_0
            data = quantize(whole + _reordered(reader, tensor.name, product), kind)
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_keys(reader: "GGUFReader", writer: "GGUFWriter") -> None:
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            kind, *of = field.types
            writer.add_key_value(key, field.contents(), kind, of[-1] if of else None)


def _reordered(
    reader: "GGUFReader", name: str, rows: "NDArray[np.float32]"
) -> "NDArray[np.float32]":
    """Return rows in the order of GGUF: those of a head are in pairs, which are turned together."""
    key = _HEADS.get(name.split(".")[-2])
    if key is None:
        return rows
    heads = int(reader.fields[f"llama.attention.{key}"].contents())
    halves = rows.reshape(heads, 2, len(rows) // heads // 2, -1)
    return halves.swapaxes(1, 2).reshape(rows.shape)
