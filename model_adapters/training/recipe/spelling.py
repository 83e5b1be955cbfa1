"""How text falls into tokens for the clock of a simulated model."""

from collections.abc import Iterator
from pathlib import Path

from interpreter.errors import missing_extra
from interpreter.scripted import pieces_of
from model_adapters.embedded.speaker.spelling import set_names_apart
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import HfTokenizer
from model_adapters.training.data.ideal import Spell


def words(text: str) -> list[tuple[str, int]]:
    """Cut a text into words and marks, a token each: for where there is no tokenizer."""
    return [(piece, 1) for piece in pieces_of(text)]


def spell_with(tokenizer: HfTokenizer) -> Spell:
    """Return what cuts a text into the tokens of a model; those of one character stay together.

    Args:
        tokenizer: The model's.
    """

    def parts(text: str) -> Iterator[tuple[str, int]]:
        pending: list[int] = []
        for token in tokenizer.content_ids(text):
            pending.append(token)
            part = str(tokenizer.tokenizer.decode(pending))
            if not part.endswith("\ufffd"):
                yield part, len(pending)
                pending = []

    return lambda text: [*parts(text)]


def speaker_tokenizer(folder: Path) -> HfTokenizer:
    """Return the tokenizer of the embedded model, as the speaker uses it.

    Args:
        folder: The embedded model.

    Raises:
        MissingExtraError: The extra `hf` is not installed.
        AdapterError: It cannot be loaded.
    """
    try:
        from transformers import AutoTokenizer, TokenizersBackend
    except ImportError as error:
        raise missing_extra("hf", error) from error
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if not isinstance(tokenizer, TokenizersBackend):
        raise AdapterError(f"{folder}: its tokenizer is not of the fast kind")
    set_names_apart(tokenizer)
    return HfTokenizer(tokenizer)
