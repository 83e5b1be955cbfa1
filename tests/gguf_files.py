"""GGUF files made by hand: a header of these values, with or without tensors."""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = str | int | Sequence[str] | Sequence[int]


def gguf_file(values: Mapping[str, Value], dimensions: Sequence[Sequence[int]] = ()) -> bytes:
    """Return a file of version 3 with these values, and tensors of these dimensions without their weights."""
    entries = b"".join(_text(key) + _value(value) for key, value in values.items())
    tensors = b"".join(
        _text("t") + struct.pack(f"<I{len(each)}QIQ", len(each), *each, 0, 0) for each in dimensions
    )
    return b"GGUF" + struct.pack("<IQQ", 3, len(dimensions), len(values)) + entries + tensors


def vocabulary(tokens: Sequence[str], types: Sequence[int], kind: str = "gpt2") -> dict[str, Value]:
    """Return the values of a file that holds a vocabulary."""
    return {
        "general.architecture": "llama",
        "tokenizer.ggml.model": kind,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
    }


def _value(value: Value) -> bytes:
    match value:
        case str():
            return struct.pack("<I", 8) + _text(value)
        case int():
            return struct.pack("<Ii", 5, value)
        case [str(), *_]:
            texts = b"".join(_text(str(each)) for each in value)
            return struct.pack("<IIQ", 9, 8, len(value)) + texts
        case _:
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)


def _text(text: str) -> bytes:
    written = text.encode()
    return struct.pack("<Q", len(written)) + written
