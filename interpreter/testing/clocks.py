"""A clock that jumps, as that of a machine that slept, or was set."""

import random
from collections.abc import Callable

from interpreter.drivers.driver import monotonic_us


class JumpingClock:
    """Is asked for the time, and now and then is somewhere else.

    It also goes back, which a clock of a driver may not: rows must not, all the same.

    Args:
        chance: Draws when it jumps, and how far.
        most_us: How far it jumps at most, in microseconds, either way.
        rate: How often a question finds that it has jumped, of 1.
        clock: What it goes by between jumps, in microseconds.
    """

    def __init__(
        self,
        chance: random.Random,
        most_us: int,
        rate: float = 0.1,
        clock: Callable[[], int] = monotonic_us,
    ) -> None:
        self._chance = chance
        self._most_us = most_us
        self._rate = rate
        self._clock = clock
        self._ahead_us = 0

    def __call__(self) -> int:
        """Return the time, in microseconds."""
        if self._chance.random() < self._rate:
            self._ahead_us += self._chance.randint(-self._most_us, self._most_us)
        return self._clock() + self._ahead_us
