"""One pass of a model over rows of many contexts, in which no row can tell what the others are.

A row is one token at its place in its context. The pass has a fixed number of rows, whoever is there:
those that nobody needs are computed and forgotten. Matrices of one shape are multiplied in one way,
so what comes out of a row depends on it alone. Attention is computed for each row by itself, over the
keys and values of its own context up to itself: nothing is padded. So a context's scores are the same
bit by bit whatever was decoded beside it, and in however many parts it was read.

That products of matrices do not tell rows apart is no law: `equal_widths` tries it out.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from model_adapters.errors import AdapterError
from model_adapters.hf.alone import cache_argument
from model_adapters.hf.growing import growing_cache
from model_adapters.hf.model import HfModel

if TYPE_CHECKING:
    import torch
    from transformers import Cache

_IMPLEMENTATION: Final = "cml_rows"


class UnreadTokens(msgspec.Struct, frozen=True):
    """What a pass reads of one context.

    Args:
        tokens: The tokens, at least one.
        position: How many stand before them, all read.
        cache: What was read.
    """

    tokens: Sequence[int]
    position: int
    cache: "Cache"


class Rows:
    """Passes over rows.

    Args:
        model: The weights; its other sessions compute as before.

    Raises:
        AdapterError: The model's attention is of a kind that cannot be computed row by row.
    """

    def __init__(self, model: HfModel) -> None:
        network = model.network
        if network.config._attn_implementation not in {"sdpa", _IMPLEMENTATION}:  # noqa: SLF001  it has no public name
            raise AdapterError(
                f"{model.name} has an attention of its own; decode it without a batch"
            )
        _register()
        network.set_attn_implementation(_IMPLEMENTATION)
        self._model = model
        self._cache_argument = cache_argument(network)

    def scores(self, parts: Sequence[UnreadTokens], width: int) -> "torch.Tensor":
        """Read parts of contexts, whose caches grow; return what may come after each.

        Args:
            parts: Of different contexts.
            width: How many rows the pass has; at least as many as there are tokens in the parts.

        Returns:
            float32, on the CPU, shape (parts, vocabulary).
        """
        import torch

        free = width - sum(len(part.tokens) for part in parts)
        tokens = [token for part in parts for token in part.tokens] + [0] * free
        positions = [
            part.position + number for part in parts for number in range(len(part.tokens))
        ] + [0] * free
        last = torch.tensor([len(part.tokens) for part in parts]).cumsum(0) - 1
        device = self._model.device
        if self._model.threads:
            self._model.threads.compute(width)
        with torch.inference_mode():
            output = self._model.network(
                input_ids=torch.tensor(tokens, device=device)[:, None],
                position_ids=torch.tensor(positions, device=device)[:, None],
                # With four dimensions a mask is taken as it is. Attention by rows needs none.
                attention_mask=torch.ones(width, 1, 1, 1, dtype=torch.bool, device=device),
                use_cache=True,
                **{self._cache_argument: _Caches(parts)},
            )
            scores: torch.Tensor = output.logits[last.to(device), -1].float().cpu()
        return scores


class _States(msgspec.Struct, frozen=True):
    """The keys, or the values, of some contexts.

    Args:
        counts: How many rows of the pass each has; they are the last of its states.
        of: The states of each, shape (1, heads, tokens, head size).
    """

    counts: list[int]
    of: "tuple[torch.Tensor, ...]"


class _Caches:
    """Takes keys and values of rows to the caches that they belong to; all that a layer asks for."""

    is_compileable = False

    def __init__(self, parts: Sequence[UnreadTokens]) -> None:
        self._caches = [part.cache for part in parts]
        self._counts = [len(part.tokens) for part in parts]

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002  positions are given
        return 0

    def update(
        self, keys: "torch.Tensor", values: "torch.Tensor", layer_idx: int, *_: object
    ) -> tuple[_States, _States]:
        # What came as rows (rows, heads, 1, size) goes on as tokens (1, heads, rows, size).
        import torch

        rows = sum(self._counts)
        spread = [
            torch.split(states[:rows].transpose(0, 2), self._counts, 2) for states in (keys, values)
        ]
        grown = [
            cache.update(k, v, layer_idx) for cache, k, v in zip(self._caches, *spread, strict=True)
        ]
        return (
            _States(self._counts, tuple(k for k, _ in grown)),
            _States(self._counts, tuple(v for _, v in grown)),
        )


def _register() -> None:
    """Teach transformers attention by rows; whatever is no pass over rows it computes as before."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations import sdpa_attention
    from transformers.masking_utils import sdpa_mask

    usual: Callable[..., tuple[torch.Tensor, None]] = sdpa_attention.sdpa_attention_forward

    def attend(
        module: "torch.nn.Module",
        query: "torch.Tensor",
        key: "torch.Tensor | _States",
        value: "torch.Tensor | _States",
        attention_mask: "torch.Tensor | None",
        **options: object,  # what a model gives its attention besides
    ) -> "tuple[torch.Tensor, None]":
        if isinstance(key, _States) and isinstance(value, _States):
            return _attend_by_rows(partial(usual, module, **options), query, key, value, options)
        return usual(module, query, key, value, attention_mask, **options)

    AttentionInterface.register(_IMPLEMENTATION, attend)
    AttentionMaskInterface.register(_IMPLEMENTATION, sdpa_mask)


def _attend_by_rows(
    attend: "Callable[..., tuple[torch.Tensor, None]]",
    query: "torch.Tensor",
    key: _States,
    value: _States,
    options: Mapping[str, object],
) -> "tuple[torch.Tensor, None]":
    """Have each row attend to what stands before it in its own context, and to itself.

    Args:
        attend: Attention of one row.
        query: Shape (rows, heads, 1, head size).
        key: Of the contexts.
        value: Of the contexts.
        options: What the layer says; a sliding window is looked at.
    """
    import torch

    window = options.get("sliding_window")
    attended: list[torch.Tensor] = []
    for count, keys, values in zip(key.counts, key.of, value.of, strict=True):
        length = keys.shape[2]
        for end in range(length - count + 1, length + 1):
            begin = max(0, end - window) if isinstance(window, int) else 0
            row = len(attended)
            own = keys[:, :, begin:end], values[:, :, begin:end]
            attended.append(attend(query[row : row + 1], *own, None)[0])
    free = query.shape[0] - len(attended)
    return torch.cat([*attended, attended[0].new_zeros(free, *attended[0].shape[1:])]), None


def equal_widths(model: HfModel, rows: Rows, widths: Sequence[int]) -> tuple[int, ...]:
    """Return the widths whose every row gives the very scores of any row of the widest.

    Args:
        model: The weights.
        rows: Passes on them.
        widths: To be tried, the widest last.

    Returns:
        Some of them, the widest last; none where that one tells its own rows apart.
    """
    import torch

    token = min(model.end_tokens, default=0)
    found = {}
    for width in widths:
        parts = [UnreadTokens([token], 0, growing_cache(model.network)) for _ in range(width)]
        found[width] = rows.scores(parts, width)
    expected = found[widths[-1]][0]
    return tuple(w for w in widths if all(torch.equal(row, expected) for row in found[w]))
