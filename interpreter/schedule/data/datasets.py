"""Named sets of workloads, for `cml workload NAME`.

The wheel of bfcl-eval and the tokenizer come from the caller: fetching the one and loading the
other is the work of the layer above.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from interpreter.schedule.data.bfcl import (
    Assumptions,
    Dataset,
    make_multi_step_parallel,
    make_workloads,
    read_samples,
    with_needs,
)
from interpreter.schedule.data.synthetic import FAMILIES, make_synthetic
from interpreter.schedule.workload import Workload

BfclName: TypeAlias = Literal[
    "bfcl-parallel",
    "bfcl-live-parallel",
    "bfcl-parallel-multiple",
    "bfcl-multi-turn",
    "bfcl-multi-step-parallel",
]
SyntheticName: TypeAlias = Literal[
    "synthetic-layered",
    "synthetic-fork-join",
    "synthetic-series-parallel",
    "synthetic-chains",
    "synthetic-out-trees",
]
BFCL_NAMES: Final[tuple[BfclName, ...]] = get_args(BfclName)
SYNTHETIC_NAMES: Final[tuple[SyntheticName, ...]] = get_args(SyntheticName)

_SOURCES: Final[dict[BfclName, Dataset]] = {
    "bfcl-parallel": "parallel",
    "bfcl-live-parallel": "live_parallel",
    "bfcl-parallel-multiple": "parallel_multiple",
    "bfcl-multi-turn": "multi_turn_base",
    "bfcl-multi-step-parallel": "multi_turn_base",
}
_FAMILIES: Final = dict(zip(SYNTHETIC_NAMES, FAMILIES, strict=True))

DEFAULT_COUNT: Final = 200


def make_bfcl(
    name: BfclName,
    wheel: Path,
    count_tokens: Callable[[str], int],
    assumptions: Assumptions,
    *,
    count: int = DEFAULT_COUNT,
    arrivals_us: tuple[int, int, int] | None = None,
) -> Iterator[Workload]:
    """Make a named set from the data of bfcl-eval (Time/data-bfcl).

    Args:
        name: Name of the set.
        wheel: The wheel of bfcl-eval.
        count_tokens: Tokens of a call's text for the model in question.
        assumptions: What the data does not say.
        count: How many multi-step-parallel workloads; the other sets have as many as samples.
        arrivals_us: When the three tasks of a multi-step-parallel workload arrive; all at once
            when absent. The other sets have one task.

    Raises:
        BfclError: The wheel cannot be read or its data has another form.
        MissingExtraError: Dependencies by state need a package that is not installed.
    """
    samples = read_samples(wheel, _SOURCES[name])
    if assumptions.dependencies == "state" and _SOURCES[name] == "multi_turn_base":
        samples = with_needs(wheel, samples)
    if name == "bfcl-multi-step-parallel":
        return make_multi_step_parallel(
            samples, count_tokens, assumptions, count=count, arrivals_us=arrivals_us
        )
    return make_workloads(samples, count_tokens, assumptions, chained=name == "bfcl-multi-turn")


def make_synthetic_set(
    name: SyntheticName,
    *,
    count: int = DEFAULT_COUNT,
    size: int = 18,
    seed: int = 0,
    sigma: float = 0.0,
) -> Iterator[Workload]:
    """Make a named set from a generator; the parameters are those of `make_synthetic`."""
    return make_synthetic(_FAMILIES[name], count, size=size, seed=seed, sigma=sigma)


def write_workloads(path: Path, workloads: Iterable[Workload]) -> int:
    """Write workloads as JSON Lines.

    Args:
        path: Where to.
        workloads: What to write, one a line.

    Returns:
        How many were written.
    """
    written = 0
    with path.open("wb") as file:
        for workload in workloads:
            file.write(msgspec.json.encode(workload) + b"\n")
            written += 1
    return written
