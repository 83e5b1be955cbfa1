"""Synthetic workloads for measuring policies: five families of graphs, seeded.

Writing takes 10 to 40 tokens a call; execution is lognormal, cut to 30 to 500 ms (`durations.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final, Literal, get_args

from interpreter.schedule.data.durations import Durations, estimate_us
from interpreter.schedule.workload import Workload, WorkloadCall

Family = Literal["layered", "fork-join", "series-parallel", "chains", "out-trees"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

After = list[list[int]]
"""For each call the calls that it waits for."""


def layered(size: int, random: Random) -> After:
    """Layers of 2 to 5 calls; each call needs 1 to 3 calls of the layer before."""
    after: After = []
    above: list[int] = []
    while len(after) < size:
        width = min(random.randint(2, 5), size - len(after))
        layer = list(range(len(after), len(after) + width))
        after += [
            sorted(random.sample(above, min(len(above), random.randint(1, 3)))) for _ in layer
        ]
        above = layer
    return after


def fork_join(size: int, random: Random) -> After:
    """One call opens a fan of 2 to 5 calls, another joins it, and again."""
    after: After = []
    join: list[int] = []
    while len(after) < size:
        after.append(join)
        fork = len(after) - 1
        width = min(random.randint(2, 5), size - len(after))
        join = list(range(len(after), len(after) + width))
        after += [[fork] for _ in join]
    return after


def series_parallel(size: int, random: Random) -> After:
    """Halves of random size, one after the other or side by side, down to single calls."""
    after: After = [[] for _ in range(size)]

    def compose(first: int, last: int) -> tuple[list[int], list[int]]:
        if last - first == 1:
            return [first], [first]
        cut = random.randint(first + 1, last - 1)
        left_sources, left_sinks = compose(first, cut)
        right_sources, right_sinks = compose(cut, last)
        if random.random() < 0.5:
            return left_sources + right_sources, left_sinks + right_sinks
        for source in right_sources:
            after[source] = sorted(left_sinks)
        return left_sources, right_sinks

    compose(0, size)
    return after


def chains(size: int, random: Random) -> After:
    """Chains of 1 to 5 calls side by side, as tasks of several steps are."""
    after: After = []
    while len(after) < size:
        length = min(random.randint(1, 5), size - len(after))
        first = len(after)
        after += [[first + step - 1] if step else [] for step in range(length)]
    return after


def out_trees(size: int, random: Random) -> After:
    """Trees of which each call but the first needs one call before; some calls are roots."""
    return [
        [random.randrange(call)] if call and random.random() < 0.9 else [] for call in range(size)
    ]


SHAPES: Final[Mapping[Family, Callable[[int, Random], After]]] = {
    "layered": layered,
    "fork-join": fork_join,
    "series-parallel": series_parallel,
    "chains": chains,
    "out-trees": out_trees,
}


def make_synthetic(
    family: Family, count: int, *, size: int = 18, seed: int = 0, sigma: float = 0.0
) -> Iterator[Workload]:
    """Make workloads of one family.

    Args:
        family: Shape of the graphs.
        count: How many workloads.
        size: Calls of each.
        seed: Seed; workload `i` depends on the family, the size, the seed and `i` alone.
        sigma: Spread of the estimates: true time × lognormal(0, sigma); 0 is exact.
    """
    durations = Durations()
    for number in range(count):
        name = f"{family}_{size}_{seed}_{number}"
        random = Random(name)  # noqa: S311 (reproducible, not secret)
        shape = SHAPES[family](size, random)
        calls: list[WorkloadCall] = []
        for position, before in enumerate(shape):
            execute_us = durations.draw_us(random)
            calls.append(
                WorkloadCall(
                    id=f"c{position}",
                    generate_tokens=random.randint(10, 40),
                    execute_us=execute_us,
                    estimate_us=estimate_us(execute_us, sigma, random),
                    result_tokens=random.randint(10, 60),
                    after=tuple(f"c{other}" for other in before),
                )
            )
        yield Workload(id=name, calls=tuple(calls))
