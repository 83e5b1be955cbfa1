"""The tokens of one context, and the cache of what a model has already read of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from cml.wording import counted
from interpreter.session import Logprob
from model_adapters.errors import AdapterError
from model_adapters.hf.growing import growing_layer
from model_adapters.hf.out_of_memory import telling_out_of_memory
from model_adapters.opening import LOG
from model_adapters.tokens.engine import Candidates

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import DynamicCache


_ADVICE: Final = "take a shorter prompt, fewer sessions at a time, or a smaller model"


class Reader(Protocol):
    """Has a model read what contexts hold."""

    @property
    def device(self) -> "torch.device":
        """Where the model computes."""
        ...

    def new_cache(self) -> "DynamicCache":
        """Return an empty cache."""
        ...

    def scores(self, context: "KvContext") -> "torch.Tensor":
        """Read what is unread of a context, at least one token; return the scores of the next.

        Args:
            context: Its `cache` and `read` are brought up to date.

        Returns:
            float32, on the CPU, shape (vocabulary,).
        """
        ...

    def leave(self, context: "KvContext") -> None:
        """Take note that nothing will be asked of a context for a while."""
        ...


class KvContext:
    """Grows to the right; what is added is read when the next scores are wanted.

    Args:
        ids: The tokens of the prompt; at least one.
        reader: Has the model read them.
    """

    def __init__(self, ids: Iterable[int], reader: Reader) -> None:
        self.ids = list(ids)
        self.read = 0
        """How many of them the model has read: their keys and values are in `cache`."""
        self._reader = reader
        self._away: set[int] = set()
        self.cache = reader.new_cache()

    @property
    def device(self) -> "torch.device":
        """Where the model computes."""
        return self._reader.device

    def scores(self) -> "torch.Tensor":
        """Return the scores of the next token: float32, on the CPU, shape (vocabulary,).

        Raises:
            AdapterError: There is no memory to read it; what was read is forgotten.
        """
        if self.read < len(self.ids):
            if not self.read:
                LOG.info("reading the prompt, %d tokens", len(self.ids))
            doing = f"reading {counted(len(self.ids) - self.read, 'token')} behind {self.read}"
            try:
                with telling_out_of_memory(doing, _ADVICE):
                    self._scores = self._reader.scores(self)
            except AdapterError:
                self.forget()  # some layers have grown, and some have not
                raise
        return self._scores.clone()

    def leave(self) -> None:
        """Say that nothing will be asked for a while."""
        self._reader.leave(self)

    def candidates(self, mask: "NDArray[np.bool_] | None") -> Candidates:
        """Return the tokens that may come, each with its score.

        Args:
            mask: Which may, shape (vocabulary,); None for any.
        """
        import numpy as np

        scores: NDArray[np.float32] = self.scores().numpy()
        tokens = np.arange(len(scores)) if mask is None else mask.nonzero()[0]
        return Candidates(tokens, scores[tokens], int(scores.argmax()))

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
        surplus = self.read - (len(self.ids) - 1)
        if surplus <= 0:
            return
        if self._is_cut_exactly():
            self.cache.crop(-surplus)
            self.read -= surplus
        else:
            self.forget()

    def swap_out(self) -> None:
        """Move the cache to the memory of the host. Before it is used again it has to be back.

        On a CPU, whose memory that is, this is a copy and frees nothing.
        """
        self._away = set()
        for layer in self.cache.layers:
            _move(layer, self._to_host)

    def swap_in(self) -> None:
        """Move the cache back to where the model computes."""
        for layer in self.cache.layers:
            _move(layer, self._back)
        self._away = set()

    def forget(self) -> None:
        """Drop the cache: the whole context is read again when the next scores are wanted."""
        self.cache = self._reader.new_cache()
        self.read = 0

    def close(self) -> None:
        """Release the memory of the cache."""
        self.leave()
        self.ids.clear()
        self.forget()

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
        return all(type(layer) is growing_layer() for layer in self.cache.layers)


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
