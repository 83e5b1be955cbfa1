"""How vocabularies spell the bytes of their tokens, as their files write them."""

import re
from collections.abc import Mapping
from typing import Final

_BYTE: Final = re.compile("<0x([0-9A-Fa-f]{2})>")


def byte_level(token: str) -> bytes:
    """Return the bytes of a token whose characters stand for bytes; none where one stands for none: some
    files hold such tokens, which nothing is encoded to.

    Args:
        token: As a vocabulary of byte-level pairs writes it.
    """
    try:
        return bytes(_BYTES[character] for character in token)
    except KeyError:
        return b""


def with_pieces(token: str, *, may_be_byte: bool = True) -> bytes:
    """Return the bytes of a token of SentencePiece: a block for a space, single bytes as `<0x0A>`.

    Args:
        token: As the vocabulary writes it.
        may_be_byte: Whether `<0x0A>` is the token of a byte, and not of these six characters.
    """
    if may_be_byte and (found := _BYTE.fullmatch(token)):
        return bytes([int(found[1], 16)])
    return token.replace("\u2581", " ").encode()


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
