"""Sweeps: the same workloads under other workers, token times or noise (`--what-if`)."""

from collections.abc import Callable
from itertools import product
from typing import Final, Literal, get_args

import msgspec

from interpreter.schedule.charts.charts import Curve, Curves
from interpreter.schedule.models.timing import WAITING_MODELS
from interpreter.schedule.studies.experiment import Experiment
from interpreter.schedule.studies.report import PolicySummary
from interpreter.schedule.workload import MAX_US

Parameter = Literal["workers", "token_us", "noise"]
PARAMETERS: Final[tuple[Parameter, ...]] = get_args(Parameter)
MAX_POINTS: Final = 1_000
"""How many points all sweeps of one command may have together."""

_MEANINGS: Final[dict[Parameter, str]] = {
    "workers": "workers",
    "token_us": "time of a decoded token (µs)",
    "noise": "spread of the errors of the estimates (σ of the logarithm)",
}
_MOST: Final[dict[Parameter, float]] = {"workers": 100_000, "token_us": MAX_US, "noise": 5}

Setting = tuple[Parameter, float]


class WhatIf(msgspec.Struct, frozen=True):
    """One parameter and the values that it takes in turn."""

    parameter: Parameter
    values: tuple[float, ...]


class SweepPoint(msgspec.Struct, frozen=True):
    """What the workloads come to under one setting of all swept parameters.

    Args:
        settings: Value of each swept parameter.
        summary: One line for each model and policy.
    """

    settings: tuple[Setting, ...]
    summary: tuple[PolicySummary, ...]


class SweepError(ValueError):
    """A sweep that cannot be made; the message says what was expected."""


def parse_what_if(text: str) -> WhatIf:
    """Read `workers=1,2,4`, `token_us=1000,5000` or `noise=0,0.5`.

    Raises:
        SweepError: It has another form, or a value is out of range.
    """
    name, _, given = text.partition("=")
    parameter = next((known for known in PARAMETERS if known == name.strip()), None)
    if parameter is None or not given.strip():
        names = ", ".join(PARAMETERS)
        raise SweepError(f"{text!r} should be NAME=VALUE,… with one of the names {names}")
    values = tuple(_read_value(parameter, part) for part in given.split(","))
    return WhatIf(parameter, tuple(dict.fromkeys(values)))


def _read_value(parameter: Parameter, text: str) -> float:
    try:
        value = float(text) if parameter == "noise" else int(text)
    except ValueError:
        value = -1
    if not 0 <= value <= _MOST[parameter]:
        kind = "a number" if parameter == "noise" else "a whole number"
        raise SweepError(
            f"{text.strip()!r} should be {kind} from 0 to {_MOST[parameter]:,} for {parameter}"
        )
    return value


def sweep_settings(sweeps: tuple[WhatIf, ...]) -> tuple[tuple[Setting, ...], ...]:
    """Return every combination of values, the first parameter changing slowest.

    Raises:
        SweepError: A parameter is named twice, or there are too many combinations.
    """
    names = [sweep.parameter for sweep in sweeps]
    if len(set(names)) < len(names):
        raise SweepError("each parameter can be swept once; give all its values in one --what-if")
    axes = [[(sweep.parameter, value) for value in sweep.values] for sweep in sweeps]
    settings = tuple(product(*axes))
    if len(settings) > MAX_POINTS:
        raise SweepError(f"{len(settings)} points; at most {MAX_POINTS} can be swept at once")
    return settings


def vary(experiment: Experiment, settings: tuple[Setting, ...]) -> Experiment:
    """Return an experiment under some settings."""
    for parameter, value in settings:
        match parameter:
            case "workers":
                options = msgspec.structs.replace(experiment.options, workers=int(value))
                experiment = msgspec.structs.replace(experiment, options=options)
            case "token_us":
                costs = msgspec.structs.replace(experiment.costs, token_us=int(value))
                experiment = msgspec.structs.replace(experiment, costs=costs)
            case "noise":
                experiment = msgspec.structs.replace(experiment, noise=value)
    return experiment


def sweep_curves(points: list[SweepPoint], title: str) -> Curves:
    """Draw a sweep: the first parameter across, a curve for all else."""
    parameter = points[0].settings[0][0]
    # Workers grow by doubling, and none is limitless: evenly spaced, limitless last.
    values = sorted({point.settings[0][1] for point in points}, key=_limitless_last(parameter))
    named = parameter == "workers"
    place = {value: float(i) if named else value for i, value in enumerate(values)}
    found: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        others = "".join(f", {name} {value:g}" for name, value in point.settings[1:])
        for name, line in summary_lines(point).items():
            spot = (place[point.settings[0][1]], line.mean_makespan_us / 1000)
            found.setdefault(name + others, []).append(spot)
    curves = tuple(
        Curve(name, tuple(x for x, _ in sorted(spots)), tuple(y for _, y in sorted(spots)))
        for name, spots in found.items()
    )
    names = tuple("no limit" if value == 0 else f"{value:g}" for value in values) if named else ()
    label = _MEANINGS[parameter]
    return Curves(title, label, "mean makespan (ms)", curves, names=names)


def _limitless_last(parameter: Parameter) -> Callable[[float], tuple[bool, float]]:
    return lambda value: (parameter == "workers" and value == 0, value)


def summary_lines(point: SweepPoint) -> dict[str, PolicySummary]:
    """Return what a point comes to, by model and, where there are several, by policy."""
    lines: dict[str, PolicySummary] = {}
    several = len({line.policy for line in point.summary}) > 1
    for line in point.summary:
        waits = line.model in WAITING_MODELS
        name = f"{line.model} · {line.policy}" if several and not waits else line.model
        lines.setdefault(name, line)
    return lines
