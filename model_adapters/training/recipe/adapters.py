"""Adapters of low rank on the linear layers of a network."""

from typing import TYPE_CHECKING, Final

from interpreter.errors import missing_extra
from model_adapters.embedded.speaker.weights import WeightChange
from model_adapters.errors import AdapterError
from model_adapters.training.recipe.plan import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_FIRST: Final = ".lora_A.default.weight"
_SECOND: Final = ".lora_B.default.weight"


def prepare(network: "PreTrainedModel", recipe: Recipe) -> "dict[str, torch.nn.Parameter]":
    """Make a network ready to be trained; return what is trained of it, by name.

    Args:
        network: It gets adapters, unless all its weights are to be trained.
        recipe: How.

    Raises:
        MissingExtraError: The extra `train` is not installed.
    """
    import torch

    torch.manual_seed(recipe.seed)
    if recipe.rank:
        try:
            from peft import LoraConfig, inject_adapter_in_model
        except ImportError as error:
            raise missing_extra("train", error) from error
        alpha = round(recipe.rank * recipe.scale)
        head: object = network.get_output_embeddings()  # type: ignore[no-untyped-call]
        layers = [
            name
            for name, layer in network.named_modules()
            if isinstance(layer, torch.nn.Linear) and layer is not head
        ]
        config = LoraConfig(r=recipe.rank, lora_alpha=alpha, target_modules=layers)
        inject_adapter_in_model(config, network)
    network.train()
    trained = {name: each for name, each in network.named_parameters() if each.requires_grad}
    for each in trained.values():  # small steps are lost in bfloat16
        each.data = each.data.float()
    return trained


def begin_with(trained: "dict[str, torch.nn.Parameter]", start: WeightChange, scale: float) -> None:
    """Give adapters the values that an earlier training left; their product is the same.

    Args:
        trained: What `prepare` returned.
        start: What the earlier training left.
        scale: What the adapters' product is multiplied with.

    Raises:
        AdapterError: They are of other layers, or of another rank.
    """
    import torch

    shapes = {name: tuple(each.shape) for name, each in trained.items()}
    given = {
        name: values
        for layer, added in start.layers.items()
        for name, values in (
            (layer + _FIRST, added.first),
            (layer + _SECOND, added.second / scale),
        )
    }
    if shapes != {name: values.shape for name, values in given.items()}:
        ranks = sorted({added.first.shape[0] for added in start.layers.values()})
        raise AdapterError(
            f"the adapters to begin with do not fit: they are of {len(start.layers)} layers and rank "
            f"{', '.join(map(str, ranks))}; name this rank, and the model that they were trained on"
        )
    with torch.no_grad():
        for name, values in given.items():
            trained[name].copy_(torch.from_numpy(values))


def put_in(network: "PreTrainedModel") -> None:
    """Add the adapters of a network to its weights, and leave it as it was built, without them."""
    from peft.tuners.lora import LoraLayer

    adapted = [
        (name, each) for name, each in network.named_modules() if isinstance(each, LoraLayer)
    ]
    for name, layer in adapted:
        layer.merge()
        network.set_submodule(name, layer.get_base_layer())


def factors(
    trained: "dict[str, torch.Tensor]", scale: float
) -> "dict[str, tuple[torch.Tensor, torch.Tensor]]":
    """Return the two matrices of each layer whose product is the change of its weights.

    Args:
        trained: What `prepare` returned, or a checkpoint of it.
        scale: What the adapters' product is multiplied with.
    """
    layers = [name.removesuffix(_FIRST) for name in trained if name.endswith(_FIRST)]
    return {
        layer: (trained[layer + _FIRST].detach(), scale * trained[layer + _SECOND].detach())
        for layer in layers
    }
