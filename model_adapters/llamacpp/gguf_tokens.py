"""The vocabulary of a GGUF file: the bytes of each token, which of them control, which end."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from model_adapters.embedded.speaker.spelling import APART, NAMES_KEY
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.gguf_header import read_header
from model_adapters.tokens.spelling import byte_level, with_pieces

# Types of tokens.
_CONTROL: Final = (3, 4)  # the second are those that somebody added, such as `<tool_call>`
_BYTE: Final = 6

_UNKNOWN_LENGTH: Final = 2**31


class GgufTokens(msgspec.Struct, frozen=True):
    """What a GGUF file says of its model, as far as a session has to know.

    Args:
        name: What the model is called.
        context_tokens: The longest context that it was made for.
        spelled: The bytes of each token, by its id.
        control: The tokens that no content may become, and how they are spelled.
        ends: The tokens that end an answer.
        speaks: Whether it was trained on CML (`cml train`).
        has_names_apart: Whether names are cut apart before a text is encoded (`names_apart`).
        parameters: How many numbers its weights are.
    """

    name: str
    context_tokens: int
    spelled: tuple[bytes, ...]
    control: dict[int, str]
    ends: frozenset[int]
    speaks: bool = False
    has_names_apart: bool = False
    parameters: int = 0


class _Keys(msgspec.Struct, frozen=True):
    architecture: str = msgspec.field(name="general.architecture")
    kind: str = msgspec.field(name="tokenizer.ggml.model")
    tokens: list[str] = msgspec.field(name="tokenizer.ggml.tokens")
    types: list[int] = msgspec.field(name="tokenizer.ggml.token_type")
    name: str | None = msgspec.field(name="general.name", default=None)
    end: int | None = msgspec.field(name="tokenizer.ggml.eos_token_id", default=None)
    end_of_turn: int | None = msgspec.field(name="tokenizer.ggml.eot_token_id", default=None)
    end_of_message: int | None = msgspec.field(name="tokenizer.ggml.eom_token_id", default=None)


def read_tokens(path: Path) -> GgufTokens:
    """Return the vocabulary of a GGUF file.

    Args:
        path: The file.

    Raises:
        AdapterError: It is no GGUF file of a language model, or its vocabulary is of an unknown kind.
    """
    header = read_header(path)
    try:
        keys = msgspec.convert(header.values, _Keys)
    except msgspec.ValidationError as error:
        raise AdapterError(f"{path}: no language model with its vocabulary: {error}") from None
    if keys.kind not in _SPELLINGS:
        known = ", ".join(_SPELLINGS)
        raise AdapterError(
            f"{path}: its vocabulary is of the kind {keys.kind!r}; known are {known}"
        )
    if len(keys.tokens) != len(keys.types):
        counts = f"{len(keys.tokens)} tokens and {len(keys.types)} types of tokens"
        raise AdapterError(f"{path}: no whole vocabulary: it has {counts}")
    spell = _SPELLINGS[keys.kind]
    typed = list(zip(keys.tokens, keys.types, strict=True))
    longest = header.values.get(f"{keys.architecture}.context_length")
    ends = {keys.end, keys.end_of_turn, keys.end_of_message}
    return GgufTokens(
        name=keys.name or path.stem,
        context_tokens=longest if isinstance(longest, int) and longest > 0 else _UNKNOWN_LENGTH,
        spelled=tuple(
            token.encode() if kind in _CONTROL else spell(token, kind) for token, kind in typed
        ),
        control={
            i: token for i, (token, kind) in enumerate(typed) if kind in _CONTROL and token.strip()
        },
        ends=frozenset(end for end in ends if end is not None and 0 <= end < len(typed)),
        speaks=NAMES_KEY in header.values,
        has_names_apart=header.values.get(NAMES_KEY) == APART,
        parameters=header.parameters,
    )


_SPELLINGS: Final[dict[str, Callable[[str, int], bytes]]] = {
    "gpt2": lambda token, _: byte_level(token),
    "llama": lambda token, kind: with_pieces(token, may_be_byte=kind == _BYTE),
}
