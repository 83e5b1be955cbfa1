"""Which token comes next: the likeliest, or one that is drawn by chance."""

from typing import TYPE_CHECKING

from model_adapters.opening import Sampling

if TYPE_CHECKING:
    import torch


def choose(scores: "torch.Tensor", sampling: Sampling, random: "torch.Generator") -> int:
    """Return the next token.

    Args:
        scores: Of all tokens, shape (vocabulary,); minus infinity for those that may not come.
        sampling: How it is chosen. First the temperature, then `top_k`, then `top_p`.
        random: Where chance comes from.
    """
    import torch

    if sampling.temperature <= 0:
        return int(scores.argmax())
    most = min(sampling.top_k or len(scores), len(scores))
    if most == len(scores) and sampling.top_p >= 1:  # nothing to sort
        probabilities = torch.softmax(scores / sampling.temperature, dim=-1)
        return int(torch.multinomial(probabilities, 1, generator=random))
    likeliest, tokens = scores.topk(most)
    probabilities = torch.softmax(likeliest / sampling.temperature, dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities  # the first always stays
    kept = probabilities.masked_fill(before >= sampling.top_p, 0.0)
    return int(tokens[torch.multinomial(kept, 1, generator=random)])
