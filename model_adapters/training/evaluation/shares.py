"""Shares of dialogues and differences between shares, with their intervals of 95%."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

_Z: Final = 1.96


class Share(msgspec.Struct, frozen=True):
    """A share of dialogues, with Wilson's interval of 95%.

    Args:
        good: In how many it was so.
        of: How many there were.
    """

    good: int
    of: int

    @property
    def part(self) -> float:
        """Return the share as a number from 0 to 1; 0 where there were none."""
        return self.good / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return between which shares the true one lies."""
        if not self.of:
            return 0.0, 1.0
        square = _Z * _Z
        middle = (self.part + square / (2 * self.of)) / (1 + square / self.of)
        inner = self.part * (1 - self.part) / self.of + square / (4 * self.of * self.of)
        half = _Z * math.sqrt(inner) / (1 + square / self.of)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.of:
            return "none"
        low, high = self.interval
        return f"{self.part:.0%} ({low:.0%} to {high:.0%})"

    @property
    def with_count(self) -> str:
        """Return the share with the number it is of: for some measures few had the occasion."""
        return f"{self} of {self.of}" if self.of else "no occasion"


class Difference(msgspec.Struct, frozen=True):
    """How two ways differ on the same dialogues, with Newcombe's interval of 95% for pairs.

    That is method 10 of R. G. Newcombe, "Improved confidence intervals for the difference between
    binomial proportions based on paired data", Statistics in Medicine 17 (1998).

    Args:
        both: Dialogues that were good in both ways.
        first_only: Good in the first way only.
        second_only: Good in the second way only.
        neither: Good in neither.
    """

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def of(self) -> int:
        """Return how many dialogues were played in both ways."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def part(self) -> float:
        """Return the first share less the second, from -1 to 1; 0 where there were no dialogues."""
        return (self.first_only - self.second_only) / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return between which differences the true one lies."""
        if not self.of:
            return -1.0, 1.0
        first = Share(self.both + self.first_only, self.of)
        second = Share(self.both + self.second_only, self.of)
        (low_1, high_1), (low_2, high_2) = first.interval, second.interval
        down = self._joined(first.part - low_1, high_2 - second.part)
        up = self._joined(high_1 - first.part, second.part - low_2)
        return max(-1.0, self.part - down), min(1.0, self.part + up)

    def _joined(self, one: float, other: float) -> float:
        """Return the half of an interval that two halves of correlated shares make."""
        joined = one * one - 2 * self._correlation() * one * other + other * other
        return math.sqrt(max(0.0, joined))

    def _correlation(self) -> float:
        """Return the correlation of both ways, a positive one corrected for continuity."""
        product = self.both * self.neither - self.first_only * self.second_only
        corrected = product if product < 0 else max(0.0, product - self.of / 2)
        sums = (
            self.both + self.first_only,
            self.second_only + self.neither,
            self.both + self.second_only,
            self.first_only + self.neither,
        )
        return corrected / math.sqrt(math.prod(sums)) if all(sums) else 0.0

    def __str__(self) -> str:
        if not self.of:
            return "none"
        low, high = self.interval
        return f"{100 * self.part:+.0f} ({100 * low:+.0f} to {100 * high:+.0f})"


def share(found: Iterable[bool | None]) -> Share:
    """Return how often something was so; None is where it could not have been, and is not counted."""
    known = [each for each in found if each is not None]
    return Share(sum(known), len(known))


def difference(first: Sequence[bool], second: Sequence[bool]) -> Difference:
    """Return how two ways differ.

    Args:
        first: Whether it was good, for each dialogue.
        second: The same in the other way, in the same order.

    Raises:
        ValueError: There are more of one than of the other.
    """
    pairs = list(zip(first, second, strict=True))
    kinds = ((True, True), (True, False), (False, True), (False, False))
    return Difference(*(pairs.count(kind) for kind in kinds))
