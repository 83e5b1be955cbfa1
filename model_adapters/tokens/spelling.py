"""How vocabularies spell the bytes of their tokens, as their files write them."""

from collections.abc import Mapping
from typing import Final


def byte_level(token: str) -> bytes:
    """Return the bytes of a token whose characters stand for bytes.

    Args:
        token: As a vocabulary of byte-level pairs writes it.

    Raises:
        KeyError: A character stands for no byte.
    """
    return bytes(_BYTES[character] for character in token)


def with_pieces(token: str, *, is_byte: bool) -> bytes:
    """Return the bytes of a token of SentencePiece: a block for a space, single bytes as `<0x0A>`.

    Args:
        token: As the vocabulary writes it.
        is_byte: Whether it is one of the tokens for a single byte.
    """
    return bytes([int(token[1:-1], 16)]) if is_byte else token.replace("\u2581", " ").encode()


def _bytes_of_characters() -> Mapping[str, int]:
    """Which byte each character of a byte-level vocabulary stands for.

    What can be printed stands for itself; the other bytes, in their order, for the characters from
    256 on.
    """
    printed = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), 256),
    ]
    others = [byte for byte in range(256) if byte not in printed]
    shown = {chr(byte): byte for byte in printed}
    return shown | {chr(256 + number): byte for number, byte in enumerate(others)}


_BYTES: Final = _bytes_of_characters()
