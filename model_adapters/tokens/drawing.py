"""Which token comes next: the likeliest, or one that is drawn by chance."""

from typing import TYPE_CHECKING

from model_adapters.opening import Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def draw(scores: "NDArray[np.float32]", sampling: Sampling, random: "np.random.Generator") -> int:
    """Return the position of the one that is taken.

    Args:
        scores: Of all candidates, shape (candidates,); minus infinity for those that may not come.
        sampling: How it is chosen. First the temperature, then `top_k`, then `top_p`.
        random: Where chance comes from.
    """
    import numpy as np

    if sampling.temperature <= 0:
        return int(scores.argmax())
    heated = (scores.astype(np.float64) - scores.max()) / sampling.temperature
    most = min(sampling.top_k or len(scores), len(scores))
    if most == len(scores) and sampling.top_p >= 1:  # nothing to sort
        weights = np.exp(heated)
        return int(random.choice(len(weights), p=weights / weights.sum()))
    likeliest = np.argsort(-heated, kind="stable")[:most]
    weights = np.exp(heated[likeliest])
    before = (weights.cumsum() - weights) / weights.sum()  # the first always stays
    kept = np.where(before < sampling.top_p, weights, 0.0)
    return int(likeliest[random.choice(most, p=kept / kept.sum())])
