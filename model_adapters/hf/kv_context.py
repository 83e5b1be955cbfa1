"""The tokens of one context, and the cache of what a model has already read of them."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from interpreter.session import Logprob
from model_adapters.hf.model import LOG, Threads
from model_adapters.tokens.engine import Candidates

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedModel


class KvContext:
    """Grows to the right; what is added is read when the next scores are wanted, in one pass.

    Args:
        network: The weights.
        device: Where they are.
        ids: The tokens of the prompt; at least one.
        threads: How many threads of a CPU compute; None leaves it to torch.
    """

    def __init__(
        self,
        network: "PreTrainedModel",
        device: "torch.device",
        ids: Iterable[int],
        threads: Threads | None = None,
    ) -> None:
        self.ids = list(ids)
        self._network = network
        self.device = device
        self._threads = threads
        self._cache_argument = _cache_argument(network)
        self._read = 0
        self._away: set[int] = set()
        self._renew()

    def scores(self) -> "torch.Tensor":
        """Return the scores of the next token: float32, on the CPU, shape (vocabulary,)."""
        import torch

        if self._read < len(self.ids):
            if not self._read:
                LOG.info("reading the prompt, %d tokens", len(self.ids))
            if self._threads:
                self._threads.compute(len(self.ids) - self._read)
            unread = torch.tensor([self.ids[self._read :]], device=self.device)
            with torch.inference_mode():
                output = self._network(
                    input_ids=unread,
                    use_cache=True,
                    logits_to_keep=1,
                    **{self._cache_argument: self._cache},
                )
            self._read = len(self.ids)
            self._scores: torch.Tensor = output.logits[0, -1].float().cpu()
        return self._scores.clone()

    def candidates(self, mask: "NDArray[np.bool_] | None") -> Candidates:
        """Return the tokens that may come, each with its score.

        Args:
            mask: Which may, shape (vocabulary,); None for any.
        """
        import numpy as np

        scores: NDArray[np.float32] = self.scores().numpy()
        tokens = np.arange(len(scores)) if mask is None else mask.nonzero()[0]
        return Candidates(tokens, scores[tokens])

    def likeliest(self, most: int) -> tuple[Logprob, ...]:
        """Return the tokens that are the likeliest to come next, the likeliest first.

        Args:
            most: How many; fewer where there are not so many.
        """
        scores = self.scores().log_softmax(dim=-1)
        values, tokens = scores.topk(min(most, len(scores)))
        return tuple(map(Logprob, tokens.tolist(), values.tolist()))

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens at the end."""
        self.ids += tokens

    def drop(self, tokens: int) -> None:
        """Take the last tokens back; the one before them is read again, for its scores.

        Args:
            tokens: How many; the prompt's first stays.
        """
        del self.ids[len(self.ids) - tokens :]
        surplus = self._read - (len(self.ids) - 1)
        if surplus <= 0:
            return
        if self._is_cut_exactly():
            self._cache.crop(-surplus)
            self._read -= surplus
        else:
            self._renew()

    def swap_out(self) -> None:
        """Move the cache to the memory of the host. Before it is used again it has to be back.

        On a CPU, whose memory that is, this is a copy and frees nothing.
        """
        self._away = set()
        for layer in self._cache.layers:
            _move(layer, self._to_host)

    def swap_in(self) -> None:
        """Move the cache back to where the model computes."""
        for layer in self._cache.layers:
            _move(layer, self._back)
        self._away = set()

    def forget(self) -> None:
        """Drop the cache: the whole context is read again when the next scores are wanted."""
        self._renew()

    def close(self) -> None:
        """Release the memory of the cache."""
        self.ids.clear()
        self._renew()

    def _to_host(self, part: "torch.Tensor") -> "torch.Tensor":
        import torch

        if part.device.type != self.device.type:  # a constant of the layer's, there already
            return part
        # The way into pinned memory is the fast one.
        host = torch.empty_like(part, device="cpu", pin_memory=self.device.type == "cuda")
        self._away.add(id(host))
        return host.copy_(part)

    def _back(self, part: "torch.Tensor") -> "torch.Tensor":
        return part.to(self.device, copy=True) if id(part) in self._away else part

    def _is_cut_exactly(self) -> bool:
        """Whether no layer forgets: a sliding window or a recurrent state cannot go back."""
        from transformers.cache_utils import DynamicLayer

        return all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def _renew(self) -> None:
        from transformers import DynamicCache

        self._cache = DynamicCache(config=self._network.config)
        self._read = 0


def _move(holder: object, to: "Callable[[torch.Tensor], torch.Tensor]") -> None:
    """Move every tensor that a layer of a cache holds: keys and values, or a recurrent state."""
    import torch

    def moved(value: object) -> object:
        match value:
            case torch.Tensor():
                return to(value)
            case list():
                return [moved(each) for each in value]
            case dict():
                return {key: moved(each) for key, each in value.items()}
            case _:
                return value

    for name, value in vars(holder).items():
        setattr(holder, name, moved(value))


def _cache_argument(network: "PreTrainedModel") -> str:
    """Return the name of the argument that takes the cache: `cache` from transformers 5.24 on."""
    parameters = inspect.signature(network.forward).parameters
    return "cache" if "cache" in parameters else "past_key_values"
