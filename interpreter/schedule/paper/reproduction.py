"""The evaluation of arXiv 2412.07017 beside ours: `cml reproduce asynclm`."""

from collections.abc import Callable, Iterable
from math import sqrt
from pathlib import Path
from typing import Final

import msgspec

from interpreter.schedule.costs import PRESETS
from interpreter.schedule.data.bfcl import Assumptions, Dependencies
from interpreter.schedule.data.datasets import make_bfcl
from interpreter.schedule.graph import build_graph
from interpreter.schedule.paper.published import (
    ARRIVALS_US,
    CLOUD,
    ELSEWHERE,
    FIGURES,
    LOCAL,
    Data,
    Figure,
)
from interpreter.schedule.plan import build_plan
from interpreter.schedule.simulate import Options, run_policy
from interpreter.schedule.studies.report import simulate
from interpreter.schedule.workload import Workload

_MODELS: Final = ("sync", "sync-parallel", "async", "async-naive")
_READINGS: Final[tuple[Dependencies, ...]] = ("state", "chain", "none")


def count_characters(text: str) -> int:
    """Estimate tokens as a quarter of the characters, rounded up."""
    return -(-len(text) // 4)


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a reproduction is made from.

    Args:
        wheel: The wheel of bfcl-eval.
        count_tokens: Tokens of a call's text.
        tokens: What counts them, in words.
        seed: Seed of all that is drawn.
        count: How many multi-step-parallel workloads.
    """

    wheel: Path
    count_tokens: Callable[[str], int] = count_characters
    tokens: str = "estimated as characters / 4"
    seed: int = 0
    count: int = 200


class Compared(msgspec.Struct, frozen=True):
    """A published figure and ours.

    Args:
        figure: The published one.
        executed: Ours with the needs that executing the calls shows.
        chain: Ours when each call of a task needs the one before.
        independent: Ours when no call needs another.
    """

    figure: Figure
    executed: float
    chain: float
    independent: float


class Reproduction(msgspec.Struct, frozen=True):
    """All figures.

    Args:
        compared: The published ratios and ours.
        elsewhere: Some of them again, under the other deployment.
        lpt_over_random: How much shorter LPT is than a random order (local), needs executed.
        best_over_lpt: How much shorter the policy `auto` is than LPT (local), needs executed.
        overhead_tokens: Tokens that Async adds to a task of multi-step-parallel, needs executed.
    """

    compared: tuple[Compared, ...]
    elsewhere: tuple[Compared, ...]
    lpt_over_random: float
    best_over_lpt: float
    overhead_tokens: float


def reproduce(setup: Setup) -> Reproduction:
    """Compute every figure.

    Args:
        setup: What from.

    Raises:
        BfclError: The wheel cannot be read or its data has another form.
        MissingExtraError: A backend of the data needs a package that is not installed.
    """
    ratios = {
        (data, preset, reading): _ratios(_load(setup, data, reading), preset)
        for data, preset in dict.fromkeys(
            (figure.data, figure.preset) for figure in (*FIGURES, *ELSEWHERE)
        )
        for reading in _READINGS
    }
    compared, elsewhere = (
        tuple(
            Compared(
                figure,
                ratios[figure.data, figure.preset, "state"][figure.ratio],
                ratios[figure.data, figure.preset, "chain"][figure.ratio],
                ratios[figure.data, figure.preset, "none"][figure.ratio],
            )
            for figure in figures
        )
        for figures in (FIGURES, ELSEWHERE)
    )
    executed = list(_load(setup, "multi-step-parallel", "state"))
    random, lpt, best = _by_policy(executed)
    overhead_tokens = _overhead_tokens(executed)
    return Reproduction(compared, elsewhere, 1 - lpt / random, 1 - best / lpt, overhead_tokens)


def _load(setup: Setup, data: Data, reading: Dependencies) -> Iterable[Workload]:
    assumptions = Assumptions(seed=setup.seed, dependencies=reading)
    arrivals_us = ARRIVALS_US if data == "multi-step-parallel, arriving" else None
    return make_bfcl(
        "bfcl-parallel" if data == "parallel" else "bfcl-multi-step-parallel",
        setup.wheel,
        setup.count_tokens,
        assumptions,
        count=setup.count,
        arrivals_us=arrivals_us,
    )


def _ratios(workloads: Iterable[Workload], preset: str) -> dict[str, float]:
    report = simulate(workloads, PRESETS[preset], _MODELS, ("lpt",))
    faster = {line.model: line.speedup_vs_sync for line in report.summary}
    return {
        "sync-parallel vs sync": faster["sync-parallel"],
        "async vs sync": faster["async"],
        "async-naive vs sync-parallel": faster["async-naive"] / faster["sync-parallel"],
    }


def _by_policy(workloads: list[Workload]) -> tuple[float, float, float]:
    """Return the mean makespans of random (mean of five seeds), LPT and auto."""
    draws = [
        simulate(workloads, PRESETS[LOCAL], ("async",), ("random",), Options(seed=seed))
        for seed in range(5)
    ]
    random = sum(report.summary[0].mean_makespan_us for report in draws) / len(draws)
    lpt, best = simulate(workloads, PRESETS[LOCAL], ("async",), ("lpt", "auto")).summary
    return random, lpt.mean_makespan_us, best.mean_makespan_us


def _overhead_tokens(workloads: list[Workload]) -> float:
    """Count the tokens that Async adds to a task: those of its calls, and of its traps."""
    costs, tokens, tasks = PRESETS[CLOUD], 0, 0
    for workload in workloads:
        timing = run_policy(build_plan(build_graph(workload), costs, "async"), "lpt")
        calls = len(workload.calls)
        traps = len(timing.decisions) - calls
        tokens += calls * costs.async_call_tokens + traps * costs.trap_tokens
        tasks += len({call.task for call in workload.calls})
    return tokens / tasks


def rms_error(pairs: Iterable[tuple[float, float]]) -> float:
    """Root mean square of the relative errors of (ours, published)."""
    squares = [(ours / published - 1) ** 2 for ours, published in pairs]
    return sqrt(sum(squares) / len(squares))
