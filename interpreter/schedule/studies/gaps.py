"""Gaps of many runs: their mean and their 95% point, in a bounded amount of memory."""

from array import array
from math import exp, floor, log
from typing import Final

EXACT: Final = 100_000
"""So many gaps are kept as they are."""

RESOLUTION: Final = 1e-3
"""Beyond that a gap is counted in a bin this wide, relative to itself; at most some 50,000 bins."""

_LEAST: Final = 1e-9


class Gaps:
    """A growing collection of gaps (Time/summary).

    Attributes:
        count: How many were added.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0.0
        self._exact = array("d")
        self._bins: dict[int, int] = {}

    def add(self, gap: float) -> None:
        """Take one gap in, at least 0."""
        self.count += 1
        self._sum += gap
        if self.count <= EXACT:
            self._exact.append(gap)
            return
        for earlier in self._exact:
            self._count(earlier)
        self._exact = array("d")
        self._count(gap)

    def _count(self, gap: float) -> None:
        number = 0 if gap < _LEAST else 1 + floor(log(gap / _LEAST) / RESOLUTION)
        self._bins[number] = self._bins.get(number, 0) + 1

    @property
    def mean(self) -> float:
        """Mean of all gaps."""
        return self._sum / self.count

    def percentile_95(self) -> float:
        """Least gap that at least 95% do not exceed; past `EXACT`, rounded up by at most 0.1%."""
        if self._exact:
            return percentile_95(list(self._exact))
        rank = _rank_95(self.count)
        for number in sorted(self._bins):
            rank -= self._bins[number]
            if rank <= 0:
                return 0.0 if number == 0 else _LEAST * exp(number * RESOLUTION)
        return 0.0


def percentile_95(values: list[float]) -> float:
    """Least value that at least 95% of the values do not exceed (Time/summary)."""
    return sorted(values)[_rank_95(len(values)) - 1]


def _rank_95(count: int) -> int:
    return -(-95 * count // 100)
