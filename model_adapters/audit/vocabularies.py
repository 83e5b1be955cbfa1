"""Tokenizers as an audit sees them, whatever file they come from."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from cml.terminal.files import FileFaultError, read_text, require_readable
from interpreter.errors import missing_extra
from model_adapters.embedded.downloads import embedded_model
from model_adapters.embedded.smollm2 import AS_PUBLISHED, EMBEDDED_MODEL, embedded_gguf
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.model import GgufModel
from model_adapters.tokens.content import apart
from model_adapters.tokens.spelling import byte_level, with_pieces

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EMBEDDED: Final = "embedded"
"""The word for the default model."""
_TOKENIZER_FILE: Final = "tokenizer.json"
_CONTEXT_TOKENS: Final = 512


class AuditedTokenizer(msgspec.Struct, frozen=True):
    """A tokenizer: its tokens, and how it encodes.

    Args:
        name: What it is called.
        ordinary: The bytes of each token that content may become.
        control: The other tokens, and how they are spelled.
        content: Encodes text as this project encodes what comes from outside: parts of the
            spelling of a control token are encoded apart.
        naive: Encodes text as a tokenizer does when it is asked for nothing else: what spells a
            control token becomes it.
    """

    name: str
    ordinary: Mapping[int, bytes]
    control: Mapping[int, str]
    content: Callable[[str], list[int]]
    naive: Callable[[str], list[int]]

    @property
    def size(self) -> int:
        """How many tokens it has."""
        return len(self.ordinary) + len(self.control)

    def text(self, ids: list[int]) -> str:
        """Return what ordinary tokens spell; what is no UTF-8 is replaced."""
        return b"".join(self.ordinary.get(token, b"") for token in ids).decode(errors="replace")


def open_tokenizer(word: str, *, yes: bool = False) -> AuditedTokenizer:
    """Return the tokenizer that a word names.

    Args:
        word: `embedded`, a GGUF file, a tokenizer.json, or the folder that holds one.
        yes: Whether the embedded model may be downloaded without asking.

    Raises:
        FileFaultError: There is no such file.
        AdapterError: It holds no tokenizer that can be read.
        MissingExtraError: What reads it is not installed.
    """
    if word == EMBEDDED:
        embedded_model(yes=yes, form=AS_PUBLISHED)
        return of_gguf(embedded_gguf(), EMBEDDED_MODEL)
    path = Path(word)
    if path.is_dir():
        path = path / _TOKENIZER_FILE
        if not path.is_file():
            raise FileFaultError(f"{word}: holds no {_TOKENIZER_FILE}; name the folder of a model")
    require_readable(path)
    if path.suffix == ".gguf":
        return of_gguf(path, path.stem)
    return of_tokenizer_file(path)


def of_gguf(path: Path, name: str) -> AuditedTokenizer:
    """Return the tokenizer of a GGUF file, as llama.cpp reads it.

    Args:
        path: The file.
        name: What to call it.

    Raises:
        AdapterError: It cannot be read, or its tokenizer changes text that is appended in parts.
        MissingExtraError: llama.cpp is not installed.
    """
    model = GgufModel(path, context_tokens=_CONTEXT_TOKENS)
    spelled, control = model.tokens.spelled, model.tokens.control
    return AuditedTokenizer(
        name=name,
        ordinary={i: text for i, text in enumerate(spelled) if i not in control and text},
        control=control,
        content=model.content_ids,
        naive=lambda text: model.engine.tokenize(text, control=True),
    )


def of_tokenizer_file(path: Path) -> AuditedTokenizer:
    """Return the tokenizer of a tokenizer.json.

    Args:
        path: The file.

    Raises:
        click.ClickException: It is not UTF-8.
        AdapterError: It is no such file, or its vocabulary is of an unknown kind.
        MissingExtraError: tokenizers is not installed.
    """
    source = read_text(path)
    tokenizer = read_tokenizer(source, path)
    added = tokenizer.get_added_tokens_decoder()
    control = {i: token.content for i, token in added.items() if token.content.strip("▁ \t\r\n")}
    spell = _speller(json.loads(source), path)
    vocabulary = {
        i: spell(token)
        for token, i in tokenizer.get_vocab(with_added_tokens=False).items()
        if i not in control
    }
    name = path.parent.name if path.name == _TOKENIZER_FILE else path.stem
    return AuditedTokenizer(
        name=name,
        ordinary={i: text for i, text in vocabulary.items() if text},
        control=control,
        content=lambda text: _content_ids(tokenizer, text, control),
        naive=lambda text: _naive_ids(tokenizer, text),
    )


def read_tokenizer(source: str, path: Path) -> "Tokenizer":
    """Return what the text of a tokenizer.json says.

    Args:
        source: The text.
        path: Where it is from.

    Raises:
        AdapterError: It is none.
        MissingExtraError: tokenizers is not installed.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise missing_extra("bfcl", error) from error
    try:
        tokenizer: Tokenizer = Tokenizer.from_str(source)
    except Exception as error:  # noqa: BLE001 - the library raises nothing more special
        raise AdapterError(f"{path}: no tokenizer that can be read: {error}") from None
    return tokenizer


def _content_ids(tokenizer: "Tokenizer", text: str, control: Mapping[int, str]) -> list[int]:
    return [i for part in apart(text, control.values()) for i in _naive_ids(tokenizer, part)]


def _naive_ids(tokenizer: "Tokenizer", text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def _speller(document: Mapping[str, object], path: Path) -> Callable[[str], bytes]:
    """Return what spells the tokens of a vocabulary, by how its file says that they are decoded."""
    decoder = json.dumps(document.get("decoder"))
    if '"ByteLevel"' in decoder:
        return byte_level
    if '"ByteFallback"' in decoder or "\\u2581" in decoder:
        return with_pieces
    raise AdapterError(
        f"{path}: its vocabulary is neither of byte-level pairs nor of SentencePiece, so nothing is "
        "known of the bytes of its tokens"
    )
