"""Workloads from the data of the Berkeley Function Calling Leaderboard (BFCL).

The calls are the ground truth of its `possible_answer` files, read out of the wheel of `bfcl-eval`
(Apache-2.0). What that data does not say is assumed, openly: execution times are drawn
(`durations.py`), results have a fixed number of tokens, and the steps of a multi-turn sample
depend on each other by a stated rule (`Dependencies`).
"""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final, Literal

import msgspec

from interpreter.schedule.data.bfcl_needs import find_needs
from interpreter.schedule.data.durations import Durations, estimate_us
from interpreter.schedule.workload import Workload, WorkloadCall

Dataset = Literal["parallel", "live_parallel", "parallel_multiple", "multi_turn_base"]

Dependencies = Literal["chain", "none", "state"]
"""How the calls of a multi-turn sample depend on each other: each on the one before, not at all, or
as is found by executing them in every order (`bfcl_needs.py`, which runs the wheel's own code).
"""

TASKS_AT_ONCE: Final = 3
MOST_STEPS: Final = 5
"""Multi-step-parallel combines this many first turns of at most this many calls."""


class BfclError(ValueError):
    """The wheel is not one of bfcl-eval, or its data has another form than expected."""


class SampleCall(msgspec.Struct, frozen=True):
    """A call of the ground truth.

    Args:
        function: Name of the function.
        text: The call as a model writes it, in Python form.
    """

    function: str
    text: str


class Sample(msgspec.Struct, frozen=True):
    """The calls of one sample, or of the first turn of a multi-turn sample.

    Args:
        id: Identifier of the sample.
        calls: Calls in the order of the ground truth.
        needs: For each call the positions of those that it needs, where that was found out.
    """

    id: str
    calls: tuple[SampleCall, ...]
    needs: tuple[tuple[int, ...], ...] = ()


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the data does not say.

    Args:
        seed: Seed of all that is drawn; each call has its own draw, whatever else is made.
        durations: Distribution of the execution times.
        sigma: Spread of the estimates, 0 for exact ones.
        result_tokens: Tokens of every interrupt.
        dependencies: How the calls of a multi-turn sample depend on each other.
    """

    seed: int = 0
    durations: Durations = Durations()
    sigma: float = 0.0
    result_tokens: int = 35
    dependencies: Dependencies = "chain"


class _GroundTruth(msgspec.Struct):
    """One line of a possible_answer file: calls with acceptable values, or turns of calls."""

    id: str
    ground_truth: list[dict[str, dict[str, object]] | list[str]]


_DECODER = msgspec.json.Decoder(_GroundTruth)


def read_samples(wheel: Path, dataset: Dataset) -> tuple[Sample, ...]:
    """Read the ground truth of one dataset; of multi-turn samples the first turn.

    Args:
        wheel: The wheel of bfcl-eval.
        dataset: Name of the dataset.

    Raises:
        BfclError: The wheel cannot be read or holds no such dataset.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = _find_answers(archive.namelist(), dataset)
            lines = archive.read(name).splitlines()
    except (OSError, zipfile.BadZipFile) as error:
        raise BfclError(f"expected a bfcl-eval wheel at {wheel}: {error}") from None
    try:
        return tuple(_read_answer(_DECODER.decode(line)) for line in lines if line.strip())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BfclError(f"{name} has another form than in bfcl-eval 2026.3.23: {error}") from None


def _find_answers(names: list[str], dataset: Dataset) -> str:
    found = [
        name
        for name in names
        if name.startswith("bfcl_eval/data/possible_answer/BFCL_v")
        and name.endswith(f"_{dataset}.json")
        and name.rpartition("/")[2].split("_", 2)[2] == f"{dataset}.json"
    ]
    if len(found) != 1:
        raise BfclError(f"expected one possible_answer file for {dataset!r}, found {len(found)}")
    return found[0]


def _read_answer(answer: _GroundTruth) -> Sample:
    calls: list[SampleCall] = []
    for entry in answer.ground_truth:
        if isinstance(entry, list):
            calls += [SampleCall(text.partition("(")[0], text) for text in entry]
            break  # The first turn only: later turns wait for the person's next message.
        calls += [_write_call(function, arguments) for function, arguments in entry.items()]
    if not calls:
        raise BfclError(f"sample {answer.id!r} has no call in its ground truth")
    return Sample(answer.id, tuple(calls))


def _write_call(function: str, arguments: dict[str, object]) -> SampleCall:
    chosen = _choose_each(arguments)
    written = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
    return SampleCall(function, f"{function}({written})")


def _choose_each(arguments: dict[str, object]) -> dict[str, object]:
    """Take the first acceptable value of each argument; an empty one says: may be left out."""
    chosen: dict[str, object] = {}
    for name, acceptable in arguments.items():
        values = acceptable if isinstance(acceptable, list) else [acceptable]
        if values and values[0] != "":
            chosen[name] = _resolve(values[0])
    return chosen


def _resolve(value: object) -> object:
    if isinstance(value, dict):
        return _choose_each(value)
    if isinstance(value, list):
        return [_resolve(item) for item in value]
    return value


def with_needs(wheel: Path, samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """Find out what the calls of multi-turn samples need, by executing them.

    Args:
        wheel: The wheel of bfcl-eval, whose code is run.
        samples: First turns of its multi-turn data.

    Raises:
        BfclError: The backends cannot be run, or the wheel has other samples.
        MissingExtraError: A package that a backend needs is not installed.
    """
    turns = {sample.id: [call.text for call in sample.calls] for sample in samples}
    try:
        needs = find_needs(wheel, turns)
    except (OSError, KeyError, StopIteration, ValueError) as error:
        raise BfclError(f"{wheel}: its backends cannot be run: {error!r}") from None
    return tuple(msgspec.structs.replace(one, needs=needs[one.id]) for one in samples)


def make_workloads(
    samples: tuple[Sample, ...],
    count_tokens: Callable[[str], int],
    assumptions: Assumptions,
    *,
    chained: bool = False,
) -> Iterator[Workload]:
    """Make one workload of each sample.

    Args:
        samples: Where the calls come from.
        count_tokens: Tokens of a call's text for the model in question.
        assumptions: What the data does not say.
        chained: Whether the calls depend on each other as `assumptions.dependencies` says;
            otherwise they are independent, as in the parallel datasets.
    """
    for sample in samples:
        calls = _make_calls(sample, "", 0, count_tokens, assumptions, chained=chained)
        yield Workload(id=sample.id, calls=tuple(calls))


def make_multi_step_parallel(
    samples: tuple[Sample, ...],
    count_tokens: Callable[[str], int],
    assumptions: Assumptions,
    *,
    count: int = 200,
    arrivals_us: tuple[int, int, int] | None = None,
) -> Iterator[Workload]:
    """Combine three first turns of 1 to 5 calls as three tasks, several times over.

    Args:
        samples: First turns of multi-turn samples.
        count_tokens: Tokens of a call's text for the model in question.
        assumptions: What the data does not say.
        count: How many workloads.
        arrivals_us: When the tasks arrive; all at once when absent.
    """
    usable = [sample for sample in samples if len(sample.calls) <= MOST_STEPS]
    for number in range(count):
        name = f"multi_step_parallel_{assumptions.seed}_{number}"
        drawn = Random(name).sample(usable, TASKS_AT_ONCE)  # noqa: S311 (reproducible)
        calls: list[WorkloadCall] = []
        for task, sample in enumerate(drawn):
            label = f"{name}/{task}/"
            calls += _make_calls(sample, label, task, count_tokens, assumptions, chained=True)
        if arrivals_us is None:
            yield Workload(id=name, calls=tuple(calls))
        else:
            yield Workload(id=name, calls=tuple(calls), arrivals_us=arrivals_us)


def _make_calls(
    sample: Sample,
    label: str,
    task: int,
    count_tokens: Callable[[str], int],
    assumptions: Assumptions,
    *,
    chained: bool,
) -> Iterator[WorkloadCall]:
    """Make the calls of one task; `label` sets its draws apart from those of other workloads."""
    needs = _needs_of(sample, assumptions.dependencies) if chained else ()
    for position, written in enumerate(sample.calls):
        random = Random(f"{assumptions.seed}/{label}{sample.id}/{position}")  # noqa: S311
        execute_us = assumptions.durations.draw_us(random)
        yield WorkloadCall(
            id=f"t{task}c{position}",
            function=written.function,
            generate_tokens=count_tokens(written.text),
            execute_us=execute_us,
            estimate_us=estimate_us(execute_us, assumptions.sigma, random),
            result_tokens=assumptions.result_tokens,
            task=task,
            after=tuple(f"t{task}c{other}" for other in needs[position]) if needs else (),
        )


def _needs_of(sample: Sample, dependencies: Dependencies) -> tuple[tuple[int, ...], ...]:
    match dependencies:
        case "none":
            return ()
        case "state" if sample.needs:
            return sample.needs
        case "chain" | "state":
            return tuple((one - 1,) if one else () for one in range(len(sample.calls)))
