"""Counts, differences and near misses as people read them."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import takewhile
from operator import eq
from typing import Final, TypeAlias

LONG: Final = 200
"""How many characters of a difference are told whole."""
_SHOWN: Final = 24
"""How many characters or items are shown on each side of the place where two things part."""
_Sequence: TypeAlias = str | tuple[object, ...]


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts, as in `1 row` or `1,024 rows`.

    Args:
        number: How many.
        noun: What, in the singular; its plural ends in `s`.
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def nearest(word: str, known: Iterable[str], *, least: float = 0.6) -> str:
    """Ask whether a word that is not known was meant as one that is, as in `did you mean replay?`.

    Args:
        word: What somebody wrote.
        known: What could have been written.
        least: How alike two words are that may be taken for each other: 1 is the same.

    Returns:
        The question; empty where no word is so much alike.
    """
    near = get_close_matches(word, list(known), 3, least)
    return f"did you mean {' or '.join(near)}?" if near else ""


def difference(expected: object, found: object) -> str:
    """Return what was expected and what was found; of two long texts or tuples, what they have from where they part.

    Args:
        expected: What there should be.
        found: What there is.
    """
    told = f"expected {expected!r}, found {found!r}"
    if len(told) <= LONG:
        return told
    if isinstance(expected, str) and isinstance(found, str):
        return _parting(expected, found, "character")
    if isinstance(expected, tuple) and isinstance(found, tuple):
        return _parting(expected, found, "item")
    return told


def _parting(expected: _Sequence, found: _Sequence, noun: str) -> str:
    same = sum(1 for _ in takewhile(bool, map(eq, expected, found)))
    up_to = f" alike, up to {expected[max(0, same - _SHOWN) : same]!r}" if same else " alike"
    sides = (f"{_rest(side, same)} (of {len(side):,})" for side in (expected, found))
    return f"{counted(same, noun)}{up_to}; then expected {', found '.join(sides)}"


def _rest(side: _Sequence, same: int) -> str:
    shown = side[same : same + _SHOWN]
    more = "…" if len(side) > same + _SHOWN else ""
    return f"{shown!r}{more}" if shown else "the end"
