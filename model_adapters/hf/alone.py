"""Reading one context by itself: what is unread of it goes through the model in one pass."""

import inspect
from typing import TYPE_CHECKING

from model_adapters.hf.growing import growing_cache
from model_adapters.hf.kv_context import KvContext
from model_adapters.hf.model import HfModel

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache, PreTrainedModel


class Alone:
    """Reads a context for itself, in the calling thread (see `Reader`).

    Args:
        model: The weights.
    """

    def __init__(self, model: HfModel) -> None:
        self.device = model.device
        self._network = model.network
        self._threads = model.threads
        self._cache_argument = cache_argument(model.network)

    def new_cache(self) -> "DynamicCache":
        """Return an empty cache."""
        return growing_cache(self._network)

    def scores(self, context: KvContext) -> "torch.Tensor":
        """Read what is unread of a context; return the scores of the next token."""
        import torch

        unread = context.ids[context.read :]
        if self._threads:
            self._threads.compute(len(unread))
        with torch.inference_mode():
            output = self._network(
                input_ids=torch.tensor([unread], device=self.device),
                use_cache=True,
                logits_to_keep=1,
                **{self._cache_argument: context.cache},
            )
        context.read = len(context.ids)
        scores: torch.Tensor = output.logits[0, -1].float().cpu()
        return scores

    def leave(self, context: KvContext) -> None:
        """Do nothing: no other context waits for this one."""


def cache_argument(network: "PreTrainedModel") -> str:
    """Return the name of the argument that takes the cache: `cache` from transformers 5.24 on."""
    parameters = inspect.signature(network.forward).parameters
    return "cache" if "cache" in parameters else "past_key_values"
