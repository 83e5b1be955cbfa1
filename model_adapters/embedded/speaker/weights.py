"""A change of weights of low rank, kept in 8 bits: how it is written, and how it is put on a network.

For each linear layer there are two matrices whose product is added to its weights. A row of the
first and the column of the second that belongs to it have one scale each.
"""

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from interpreter.errors import missing_extra
from model_adapters.errors import AdapterError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedModel

WEIGHTS_NAME: Final = "speaker.safetensors"
ABOUT_NAME: Final = "speaker.json"
"""In a whole model folder of `cml train`: says that the model was trained on CML, and how."""
_LEVELS: Final = 127


def speaker_weights() -> Path:
    """Return the file with the weights that this package ships."""
    with as_file(files(__package__).joinpath(WEIGHTS_NAME)) as path:
        return path


def write_weights(
    path: Path,
    factors: Mapping[str, "tuple[torch.Tensor, torch.Tensor]"],
    about: Mapping[str, str],
) -> None:
    """Write a change of weights.

    Args:
        path: Where to.
        factors: For each layer, by its name in the network: a matrix of the shape (rank, in) and one
            of the shape (out, rank).
        about: What it is and how it was made.
    """
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    for layer, (first, second) in factors.items():
        tensors[f"{layer}.a"], tensors[f"{layer}.a_scale"] = _rounded(first)
        tensors[f"{layer}.b"], tensors[f"{layer}.b_scale"] = _rounded(second.T)
    save_file(tensors, path, dict(about))


def read_about(folder: Path) -> dict[str, str] | None:
    """Return how the whole model in a folder was trained on CML; None where it was not.

    Raises:
        AdapterError: The file that says so cannot be read.
    """
    path = folder / ABOUT_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise AdapterError(f"{path}: this is not of `cml train`: {error}") from error


class LowRank(msgspec.Struct, frozen=True):
    """A matrix as the product of two narrow ones.

    Args:
        second: Shape (out, rank).
        first: Shape (rank, in).
    """

    second: "NDArray[np.float32]"
    first: "NDArray[np.float32]"

    @property
    def product(self) -> "NDArray[np.float32]":
        """The matrix, shape (out, in)."""
        product: NDArray[np.float32] = self.second @ self.first
        return product


class WeightChange(msgspec.Struct, frozen=True):
    """A change of weights, read from a file.

    Args:
        layers: What is added to the weights of each layer, by its name in a network of
            transformers.
        about: What it is and how it was made.
    """

    layers: dict[str, LowRank]
    about: dict[str, str]


def read_weights(path: Path) -> WeightChange:
    """Read a change of weights.

    Raises:
        MissingExtraError: safetensors is not installed.
        AdapterError: The file cannot be read.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise missing_extra("llamacpp", error) from error
    try:
        with safe_open(path, framework="np") as file:
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = dict(file.metadata() or {})
        layers = sorted({name.rpartition(".")[0] for name in parts})
        return WeightChange({layer: _low_rank(parts, layer) for layer in layers}, about)
    except (OSError, SafetensorError, KeyError, ValueError, IndexError) as error:
        raise AdapterError(f"{path}: these are no weights of `cml train`: {error}") from error


def merge_weights(network: "PreTrainedModel", path: Path) -> dict[str, str]:
    """Add a change of weights to a network; return what it is and how it was made.

    Raises:
        AdapterError: The file cannot be read, or is of another network.
    """
    import torch

    change = read_weights(path)
    try:
        for layer, added in change.layers.items():
            weight = network.get_parameter(f"{layer}.weight")
            with torch.no_grad():
                weight.copy_(weight.float() + _product(added, weight.shape).to(weight.device))
    except (AttributeError, RuntimeError) as error:
        raise AdapterError(f"{path}: these weights do not fit the model: {error}") from error
    return change.about


def _product(added: LowRank, shape: "torch.Size") -> "torch.Tensor":
    """Return a matrix of this very shape: torch would repeat a row, or a column.

    Raises:
        RuntimeError: It has another.
    """
    import torch

    # Not numpy's product: its threads wait for each other, at ten times the cost of one.
    product = torch.from_numpy(added.second) @ torch.from_numpy(added.first)
    if product.shape != shape:
        raise RuntimeError(
            f"a matrix of {[*shape]} is wanted, and this is one of {[*product.shape]}"
        )
    return product


def _rounded(matrix: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """Return a matrix in 8 bits, and the scale of each row."""
    import torch

    scale = matrix.float().abs().amax(dim=1).clamp(min=1e-12) / _LEVELS
    return (matrix / scale[:, None]).round().to(torch.int8).contiguous(), scale


def _low_rank(parts: "Mapping[str, NDArray[np.float32]]", layer: str) -> LowRank:
    """Return the two matrices of a layer: whole numbers, with a scale for each row.

    Raises:
        KeyError: One of them, or of their scales, is not there.
        ValueError: They are no two matrices of one rank.
        IndexError: Likewise.
    """
    first = parts[f"{layer}.a"] * parts[f"{layer}.a_scale"][:, None]
    second = parts[f"{layer}.b"] * parts[f"{layer}.b_scale"][:, None]
    if (first.ndim, second.ndim) != (2, 2) or len(first) != len(second):
        raise ValueError(f"{layer}: no two matrices of one rank")
    return LowRank(second.T, first)
