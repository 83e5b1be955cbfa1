"""The token profile: five tokens of a model are the markers, and no text is encoded to one
(Syntax/reserved-token).

A model that was trained with such tokens brings them in its tokenizer. To any other they are added,
and begin as the mean of what their spelling is otherwise encoded to: it has to be trained to use
them.
"""

from typing import TYPE_CHECKING

from cml.symbols import MARKERS, Marker
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import content_ids
from model_adapters.hf.model import HfModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import TokenizersBackend


def with_marker_tokens(model: HfModel) -> HfModel:
    """Return a model that has a token for each marker; its weights and tokenizer grow where need be.

    Raises:
        AdapterError: A marker is an ordinary token of this model, or its matrices are packed.
    """
    import torch
    from transformers import AddedToken

    tokenizer, network = model.tokenizer, model.network
    output: Callable[[], torch.nn.Module] = network.get_output_embeddings
    if not hasattr(output(), "weight"):
        raise AdapterError(
            "packed matrices cannot grow; add the markers' tokens before they are packed"
        )
    added = tokenizer.get_added_vocab()
    missing = [spelling for spelling in MARKERS if spelling not in added]
    if taken := [spelling for spelling in missing if spelling in tokenizer.get_vocab()]:
        raise AdapterError(f"{taken[0]} is an ordinary token of this model, so it can be no marker")
    spelled = [content_ids(tokenizer, spelling) for spelling in missing]
    tokenizer.add_tokens([AddedToken(spelling, special=True) for spelling in missing])
    if len(tokenizer) > len(network.get_input_embeddings().get_parameter("weight")):
        network.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    ids = [tokenizer.convert_tokens_to_ids(spelling) for spelling in missing]
    with torch.no_grad():
        for layer in (network.get_input_embeddings(), output()):
            weight = layer.get_parameter("weight")
            for token, parts in zip(ids, spelled, strict=True):
                weight[token] = weight[parts].mean(dim=0)
    return model


def marker_tokens(tokenizer: "TokenizersBackend") -> dict[Marker, int]:
    """Return the token of each marker.

    Raises:
        AdapterError: The tokenizer has none for some.
    """
    added = tokenizer.get_added_vocab()
    if not added.keys() >= MARKERS.keys():
        raise AdapterError("this model has no tokens for the markers; use with_marker_tokens first")
    return {marker: added[spelling] for spelling, marker in MARKERS.items()}
