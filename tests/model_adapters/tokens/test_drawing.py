"""Which token comes next: temperature, top-k, top-p and seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_adapters.opening import Sampling
from model_adapters.tokens.drawing import draw

some_scores = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=12)
samplings = st.builds(
    Sampling,
    temperature=st.floats(0.05, 5),
    top_k=st.none() | st.integers(1, 12),
    top_p=st.floats(0.01, 1),
    seed=st.integers(0, 2**63 - 1),
)


def drawn(scores: list[float], sampling: Sampling) -> int:
    random = np.random.default_rng(sampling.seed)
    return draw(np.array(scores, dtype=np.float32), sampling, random)


@given(some_scores, samplings)
def test_what_is_drawn_is_of_the_likeliest(scores: list[float], sampling: Sampling) -> None:
    """The definition, written out: how many are better, and how probable these are together."""
    token = drawn(scores, sampling)
    kept = sorted(scores, reverse=True)[: sampling.top_k or len(scores)]
    heated = np.exp((np.array(kept) - max(kept)) / sampling.temperature)
    weights = (heated / heated.sum()).tolist()
    better = sum(score > scores[token] for score in scores)
    assert better < len(kept)
    assert sum(weights[:better]) < sampling.top_p + 1e-5
    assert drawn(scores, sampling) == token


@given(some_scores, st.integers(0, 11), samplings)
def test_what_is_masked_is_never_drawn(
    scores: list[float], masked: int, sampling: Sampling
) -> None:
    masked %= len(scores)
    scores = [*scores, 0.0]
    scores[masked] = float("-inf")
    assert drawn(scores, sampling) != masked


@given(some_scores)
def test_without_temperature_it_is_the_likeliest(scores: list[float]) -> None:
    assert scores[drawn(scores, Sampling(temperature=0, top_k=3, top_p=0.5))] == max(scores)


def test_every_token_that_is_left_is_drawn_sometime() -> None:
    scores = [0.0, 0.1, 0.2, -50.0]
    for top_k, expected in ((None, {0, 1, 2}), (2, {1, 2}), (1, {2})):
        found = {drawn(scores, Sampling(1.0, top_k, 1.0, seed)) for seed in range(60)}
        assert found == expected
    assert {drawn(scores, Sampling(1.0, None, 0.5, seed)) for seed in range(60)} == {1, 2}
