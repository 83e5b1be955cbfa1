"""Models: the embedded one, fetched and loaded once, and small ones with weights drawn by chance."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from extras import from_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from transformers import PreTrainedModel

    from model_adapters.constraint.constraint import Vocabulary
    from model_adapters.hf.model import HfModel

CHAT_TEMPLATE: Final = (
    "{% for message in messages %}<|start|>{{ message.role }}\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
SIZES: Final = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
FULL: Final[dict[str, object]] = {"model_type": "llama"}
SLIDING: Final[dict[str, object]] = {"model_type": "mistral", "sliding_window": 8}
CORPUS: Final = (
    '[CALL] job1 [HEAD] get_weather(city="Oslo") [END]\n',
    "[TRAP][END] says é and 日本.",
)


@pytest.fixture(scope="session")
def model() -> "HfModel":
    """SmolLM2 in float32 on the CPU: there, equal contexts have equal scores."""
    torch = from_extra("hf", "torch")
    from model_adapters.embedded.smollm2 import fetch_embedded
    from model_adapters.hf.model import load

    torch.set_num_threads(1)
    fetch_embedded()
    return load(device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def words(model: "HfModel") -> "Vocabulary":
    return model.vocabulary()


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[Mapping[str, object]], Path]":
    """Makes a folder of a model that writes anything, of two layers unless its configuration differs."""
    torch = from_extra("hf", "torch")
    torch.set_num_threads(1)  # threads that wait for each other cost more than such a model

    def draw(configuration: "Mapping[str, object]") -> Path:
        folder = tmp_path_factory.mktemp("drawn")
        end = save_tokenizer(folder)
        config = {**SIZES, **configuration, "vocab_size": end + 1, "eos_token_id": end}
        (folder / "config.json").write_text(json.dumps(config))
        save_network(folder)
        return folder

    return draw


@pytest.fixture(scope="session", params=["full attention", "sliding window"])
def tiny(
    request: pytest.FixtureRequest, drawn: "Callable[[Mapping[str, object]], Path]"
) -> "HfModel":
    """A model of two layers that writes anything; its second kind forgets what is 8 tokens back."""
    from model_adapters.hf.model import load

    kind = {"full attention": FULL, "sliding window": SLIDING}[request.param]
    return load(drawn(kind), device="cpu", dtype="float32")


def save_tokenizer(folder: Path) -> int:
    """Train a byte-level tokenizer on a few lines; return the id of its end token, its last one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import TokenizersBackend

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    wrap: Callable[..., TokenizersBackend] = TokenizersBackend
    fast = wrap(tokenizer_object=tokenizer, chat_template=CHAT_TEMPLATE)
    fast.add_special_tokens({"bos_token": "<|start|>", "eos_token": "<|end|>"})
    fast.save_pretrained(folder)
    return len(fast) - 1


def save_network(folder: Path) -> None:
    """Draw the weights of the network that the folder's configuration describes."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from model_adapters.embedded.quiet import quiet_transformers

    draw: Callable[[object], PreTrainedModel] = AutoModelForCausalLM.from_config
    torch.manual_seed(7)
    with quiet_transformers():
        draw(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
