"""The token profile: five tokens of a model are the markers, and no text is encoded to one
(Syntax/reserved-token).

A model that was trained with such tokens brings them in its tokenizer. To any other they are added,
and begin as the mean of what their spelling is otherwise encoded to: it has to be trained to use
them.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from cml.symbols import MARKER_PATTERN, MARKERS, Marker
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import content_ids
from model_adapters.hf.model import HfModel

if TYPE_CHECKING:
    from transformers import TokenizersBackend

_MARKER: Final = re.compile(f"({MARKER_PATTERN})")


def with_marker_tokens(model: HfModel) -> HfModel:
    """Return a model that has a token for each marker; its weights and tokenizer grow where need be.

    Raises:
        AdapterError: A marker is an ordinary token of this model.
    """
    import torch
    from transformers import AddedToken

    tokenizer, network = model.tokenizer, model.network
    added = tokenizer.get_added_vocab()
    missing = [spelling for spelling in MARKERS if spelling not in added]
    if taken := [spelling for spelling in missing if spelling in tokenizer.get_vocab()]:
        raise AdapterError(f"{taken[0]} is an ordinary token of this model, so it can be no marker")
    spelled = [content_ids(tokenizer, spelling) for spelling in missing]
    tokenizer.add_tokens([AddedToken(spelling, special=True) for spelling in missing])
    if len(tokenizer) > len(network.get_input_embeddings().get_parameter("weight")):
        network.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    ids = [tokenizer.convert_tokens_to_ids(spelling) for spelling in missing]
    output: Callable[[], torch.nn.Module] = network.get_output_embeddings
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


def block_ids(
    tokenizer: "TokenizersBackend", text: str, reserved: Mapping[Marker, int]
) -> list[int]:
    """Return the tokens of text of the runtime, in which what is spelled like a marker is one.

    Args:
        tokenizer: The model's.
        text: Interrupts as the printer writes them: their content holds no marker (Syntax/canonical).
        reserved: The token of each marker; none where markers are text.
    """
    if not reserved:
        return content_ids(tokenizer, text)
    ids: list[int] = []
    for part in _MARKER.split(text):
        marker = MARKERS.get(part)
        ids += content_ids(tokenizer, part) if marker is None else [reserved[marker]]
    return ids
