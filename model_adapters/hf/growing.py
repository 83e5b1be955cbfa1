"""A cache of keys and values with room to grow: transformers' own copies all of it for each token."""

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache, PreTrainedModel
    from transformers.cache_utils import DynamicLayer

_ROOM: Final = 64
"""The least room that there is, in tokens; where it does not do, there is twice as much."""


def growing_cache(network: "PreTrainedModel") -> "DynamicCache":
    """Return an empty cache, whose layers of full attention have room to grow."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    made = DynamicCache(config=network.config)
    layer = growing_layer()
    made.layers = [layer() if type(each) is DynamicLayer else each for each in made.layers]
    if made.layer_class_to_replicate is DynamicLayer:
        made.layer_class_to_replicate = layer
    return made


@cache
def growing_layer() -> "type[DynamicLayer]":
    """Return the kind of layer that has room to grow, and can be cut anywhere."""
    from transformers.cache_utils import DynamicLayer

    class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # transformers' own
        def update(
            self,
            key_states: "torch.Tensor",
            value_states: "torch.Tensor",
            *_: object,
            **__: object,
        ) -> "tuple[torch.Tensor, torch.Tensor]":
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            self.keys = _grown(self.keys, key_states)
            self.values = _grown(self.values, value_states)
            return self.keys, self.values

    return GrowingLayer


def _grown(kept: "torch.Tensor | None", more: "torch.Tensor") -> "torch.Tensor":
    """Return states with more behind them.

    Args:
        kept: The front of a room, shape (1, heads, tokens, head size), or empty. How large the room
            is its strides say.
        more: What comes behind, shape (1, heads, more tokens, head size).
    """
    _, heads, added, size = more.shape
    before = kept.shape[-2] if kept is not None and kept.numel() else 0
    length = before + added
    if kept is not None and before and kept.stride(1) >= length * size:
        whole = kept.as_strided((1, heads, length, size), kept.stride())
    else:
        room = max(_ROOM, 1 << (length - 1).bit_length())
        whole = more.new_empty(1, heads, room, size)[:, :, :length]
        if kept is not None and before:
            whole[:, :, :before] = kept
    whole[:, :, before:] = more
    return whole
