"""The stated assumption about execution times where data has none: a cut lognormal."""

from math import exp
from random import Random

import msgspec
from msgspec import UNSET, UnsetType

from interpreter.schedule.workload import MAX_US, Workload


class Durations(msgspec.Struct, frozen=True):
    """Lognormal execution times, cut to a range (Time/durations).

    The defaults have a mean of 110 ms after cutting, as published for the function-calling
    benchmark of arXiv 2412.07017, section 6.

    Args:
        median_us: Median before cutting, in microseconds.
        sigma: Standard deviation of the logarithm.
        least_us: Smaller draws are set to this.
        most_us: Larger draws are set to this.
    """

    median_us: int = 89_208
    sigma: float = 0.65
    least_us: int = 30_000
    most_us: int = 500_000

    def draw_us(self, random: Random) -> int:
        """Draw one execution time, in microseconds."""
        drawn_us = round(self.median_us * exp(random.gauss(0.0, self.sigma)))
        return min(max(drawn_us, self.least_us), self.most_us)


def estimate_us(execute_us: int, sigma: float, random: Random) -> int | UnsetType:
    """Draw what a policy believes of a call: the truth times lognormal(0, sigma).

    Args:
        execute_us: The true time, in microseconds.
        sigma: Standard deviation of the logarithm of the error; 0 is exact.
        random: Source of the error; nothing is drawn when `sigma` is 0.

    Returns:
        Microseconds, or `UNSET` when the estimate is exact.
    """
    if sigma == 0.0:
        return UNSET
    return min(round(execute_us * exp(random.gauss(0.0, sigma))), MAX_US)


def blur_estimates(workload: Workload, sigma: float, seed: int) -> Workload:
    """Return a workload whose estimates have errors: times lognormal(0, sigma).

    Args:
        workload: The workload; where it states no estimate, the truth is the estimate.
        sigma: Standard deviation of the logarithm of the error.
        seed: Each call has its own draw, from the seed, the workload's name and its own.
    """
    calls = []
    for call in workload.calls:
        random = Random(f"{seed}/{workload.id}/{call.id}")  # noqa: S311 (reproducible)
        believed_us = call.execute_us if call.estimate_us is UNSET else call.estimate_us
        blurred_us = estimate_us(believed_us, sigma, random)
        calls.append(msgspec.structs.replace(call, estimate_us=blurred_us))
    return msgspec.structs.replace(workload, calls=tuple(calls))
