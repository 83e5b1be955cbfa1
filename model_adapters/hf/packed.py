"""Matrices that lie in memory as oneDNN reads them: in bfloat16 a CPU decodes a token in two thirds of the time.

torch hands oneDNN a matrix row by row, which it lays out anew for each product; where one row comes
in, that is most of the work. The products are the same, bit by bit. torch packs so when it compiles a
network, and has no public name for it: whether this torch can, and gets the same, is tried out before
anything is changed.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from model_adapters.hf.model import HfModel

if TYPE_CHECKING:
    import torch

_LEAST: Final = 128
"""A matrix with a shorter side stays as it is: little is gained, and torch multiplies small ones itself."""


def with_packed_matrices(model: HfModel) -> HfModel:
    """Return a model whose matrices are packed where that gains something, and says so.

    Its plain matrices are gone, save the embedding, which may be the last matrix too. What it
    decodes is what it was, but it cannot be trained, written or given tokens any more.

    Args:
        model: Its network is changed.
    """
    import torch

    network = model.network
    if not is_gain(model.device, network.dtype):
        return model
    plain = {
        name: module
        for name, module in network.named_modules()
        if type(module) is torch.nn.Linear
        and module.weight.dtype is network.dtype
        and min(module.weight.shape) >= _LEAST
    }
    if reason := reason_for_plain(plain.values()):
        return replace(model, matrices=f"matrices as they are, as {reason}")
    for name in list(plain):  # one by one, so that there are never two copies of all
        network.set_submodule(name, packed_linear()(plain.pop(name)))
    for left in network.parameters():  # they would hold on to the memory of the whole file
        left.data = left.data.clone()
    return replace(model, matrices="matrices packed for oneDNN")


def is_gain(device: "torch.device", dtype: "torch.dtype") -> bool:
    """Whether packing gains anything: on a CPU that computes in bfloat16, and in that."""
    import torch

    return (
        device.type == "cpu"
        and dtype is torch.bfloat16
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001  it has no public name
    )


def reason_for_plain(matrices: Iterable["torch.nn.Linear"]) -> str | None:
    """Return why matrices have to stay as they are; None where packed ones give the same.

    Args:
        matrices: One of each shape is packed and multiplied with a row drawn by chance, both ways.
    """
    import torch

    chance = torch.Generator().manual_seed(0)
    for plain in {each.weight.shape: each for each in matrices}.values():
        row = torch.randn(1, 1, plain.in_features, generator=chance).to(plain.weight.dtype)
        try:
            with torch.inference_mode():
                is_same = torch.equal(packed_linear()(plain)(row), plain(row))
        except (AttributeError, RuntimeError, TypeError):  # not there, or it takes something else
            return "this torch packs none"
        if not is_same:
            return "packed ones have other products here"
    return None


@cache
def packed_linear() -> "type[torch.nn.Module]":
    """Return the kind of layer whose matrix is packed.

    Raises:
        AttributeError: This torch has no such products.
    """
    import torch

    pack = torch.ops.mkldnn._reorder_linear_weight.default  # noqa: SLF001  it has no public name
    multiply = torch.ops.mkldnn._linear_pointwise.default  # noqa: SLF001  the same

    class PackedLinear(torch.nn.Module):
        """A linear layer; given its plain one, which it does not keep."""

        def __init__(self, plain: "torch.nn.Linear") -> None:
            super().__init__()
            self.bias = plain.bias
            self.packed = pack(plain.weight.detach(), 1)  # for products with one row

        def forward(self, given: "torch.Tensor") -> "torch.Tensor":
            product: torch.Tensor = multiply(given, self.packed, self.bias, "none", [], "")
            return product

    return PackedLinear
