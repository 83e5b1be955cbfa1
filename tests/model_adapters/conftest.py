"""The embedded model, fetched once and loaded once."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from model_adapters.constraint import Vocabulary
    from model_adapters.hf_model import HfModel

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def model() -> "HfModel":
    """SmolLM2 in float32 on the CPU: there, equal contexts have equal scores."""
    from model_adapters.embedded import fetch_embedded
    from model_adapters.hf_model import load

    fetch_embedded()
    return load(device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def words(model: "HfModel") -> "Vocabulary":
    return model.vocabulary()
