"""Axes: which values they name, and where a value lies on them."""

from math import ceil, floor, log10


def round_numbers(most: float, least: float = 0.0) -> list[float]:
    """Return round numbers from `least` to `most`, about five of them."""
    rough = (most - least) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = ceil(least / step - 1e-9), floor(most / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _round_decades(least: float, most: float) -> list[float]:
    factors = (1, 2, 5) if log10(most / least) < 2 else (1,)
    powers = range(floor(log10(least)), ceil(log10(most)) + 1)
    marks = [factor * 10.0**power for power in powers for factor in factors]
    return [mark for mark in marks if least <= mark <= most]


class Scale:
    """Where a value lies on an axis, as a share of its length; marks stay off the edges.

    Args:
        values: What is to be shown, at least one.
        logarithmic: Whether the axis is; then all values are above 0.
        from_zero: Whether it begins at 0 instead of at the least value.

    Attributes:
        ticks: Values that the axis names.
    """

    def __init__(self, values: list[float], *, logarithmic: bool, from_zero: bool) -> None:
        self._log = logarithmic
        self._least = 0.0 if from_zero else min(values)
        self._most = max(*values, self._least + max(1e-9, 1e-9 * self._least))
        self.ticks = (
            _round_decades(self._least, self._most)
            if logarithmic
            else round_numbers(self._most, self._least)
        )

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 to 1."""
        low, high = self._least, self._most
        if self._log:
            low, high, value = log10(low), log10(high), log10(value)
        return 0.02 + 0.94 * (value - low) / max(1e-12, high - low)
