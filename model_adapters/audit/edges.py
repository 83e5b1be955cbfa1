r"""Tokens that hold a marker's edge and something else, and words that end like a marker.

A token is called *fused* where a marker can end or begin inside it: `]\n`, `")[`, `][`. Whoever
compares tokens for markers misses those; whoever compares only the last ones takes `[WEEKEND]` for
`[END]`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cml.symbols import BEGUN_MARKERS, MARKER_NAMES, MARKERS

_BEGUN: Final = tuple(sorted((begun.encode() for begun in BEGUN_MARKERS), key=len, reverse=True))
_WHOLE: Final = tuple(marker.encode() for marker in MARKERS)
_TAILS: Final = tuple({m.encode()[n:] for m in MARKERS for n in range(1, len(m))})
_NAMES: Final = tuple(name.encode() for name in sorted(MARKER_NAMES))


def ends_inside(token: bytes) -> bool:
    """Whether a marker can end inside a token, with something after it."""
    begun = any(token.startswith(tail) and len(token) > len(tail) for tail in _TAILS)
    return begun or any(m in token and not token.endswith(m) for m in _WHOLE)


def begins_inside(token: bytes) -> bool:
    """Whether a marker can begin inside a token, with something before it."""
    begun = any(token.endswith(start) and len(token) > len(start) for start in _BEGUN)
    return begun or any(m in token and not token.startswith(m) for m in _WHOLE)


def fused(ordinary: Mapping[int, bytes]) -> dict[int, bytes]:
    """Return the tokens that hold a marker's edge and something else."""
    return {
        token: text for token, text in ordinary.items() if ends_inside(text) or begins_inside(text)
    }


def ending_like_markers(ordinary: Mapping[int, bytes]) -> dict[int, bytes]:
    """Return the words that end in a marker's tail, `END` or `END]`, and are no part of a marker."""
    return {
        token: text
        for token, text in ordinary.items()
        if text.rstrip(b"]").endswith(_NAMES) and not _is_part(text)
    }


def _is_part(text: bytes) -> bool:
    return any(text in marker for marker in _WHOLE)


def covering(ordinary: Mapping[int, bytes], marker: bytes) -> Iterator[frozenset[int]]:
    """Yield for each byte of a marker the tokens that can stand over it when the marker is spelled.

    To forbid all of one of these sets is to keep the marker from being spelled at all; to forbid less
    than all of one leaves that byte to what is left.

    Args:
        ordinary: The bytes of each token.
        marker: The bytes of the marker.
    """
    over: list[set[int]] = [set() for _ in marker]
    for token, text in ordinary.items():
        for place in _places(text, marker):
            over[place].add(token)
    return map(frozenset, over)


def _places(text: bytes, marker: bytes) -> Iterable[int]:
    """Return the bytes of a marker that a token can stand over, at any alignment that fits."""
    if not any(byte in marker for byte in text):
        return ()
    places: set[int] = set()
    for shift in range(1 - len(text), len(marker)):
        begin, end = max(shift, 0), min(shift + len(text), len(marker))
        if text[begin - shift : end - shift] == marker[begin:end]:
            places.update(range(begin, end))
    return places


def completing(ordinary: Mapping[int, bytes], marker: bytes) -> dict[int, bytes]:
    """Return the tokens that complete a begun marker: a mask that sees the text forbids them there.

    Args:
        ordinary: The bytes of each token.
        marker: The bytes of the marker.
    """
    rests = tuple(marker[n:] for n in range(1, len(marker)))
    return {
        token: text for token, text in ordinary.items() if text.startswith(rests) or marker in text
    }


def is_spellable(ordinary: Mapping[int, bytes], text: bytes, without: frozenset[int]) -> bool:
    """Whether ordinary tokens can spell a text exactly.

    Args:
        ordinary: The bytes of each token.
        text: What they are to spell.
        without: Tokens that may not be used.
    """
    pieces = {piece for token, piece in ordinary.items() if token not in without and piece in text}
    reached = {0}
    for place in range(len(text)):
        if place in reached:
            reached |= {place + len(piece) for piece in pieces if text.startswith(piece, place)}
    return len(text) in reached
