"""`cml simulate`: how long calls take under each execution model and policy."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from interpreter.schedule.costs import PRESETS, Costs, CostsError, parse_costs
from interpreter.schedule.gantt import PLOT_SUFFIXES, PlotError, write_plot
from interpreter.schedule.optimal import MissingSolverError
from interpreter.schedule.report import Report, simulate, summary_table
from interpreter.schedule.simulate import Options
from interpreter.schedule.stories import Story, tell, trace_lines
from interpreter.schedule.timing import DEFAULT_POLICY, MODELS, POLICIES, Model, PolicyName
from interpreter.schedule.workload import Fault, Workload, WorkloadError, read_workloads

Name = TypeVar("Name", bound=str)


@click.command("simulate")
@click.argument("workload", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--model",
    "models",
    default="sync,sync-parallel,async,async-naive",
    show_default=True,
    metavar="NAME,…",
    help=f"Execution models: {', '.join(MODELS)}.",
)
@click.option(
    "--policy",
    "policies",
    default=DEFAULT_POLICY,
    show_default=True,
    metavar="NAME,…",
    help=f"Scheduling policies: {', '.join(POLICIES)}.",
)
@click.option(
    "--costs",
    default="closed-form",
    show_default=True,
    metavar="PRESET|FILE",
    help=f"A preset ({', '.join(PRESETS)}) or a JSON file.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    help="How many calls can run at once; 0 (the default) is without limit.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the policy random.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--keep-going", is_flag=True, help="Report faulty lines and simulate the others.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the runs of the first workload: FILE.html, FILE.svg or FILE.png.",
)
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every step of every run as JSON Lines.",
)
def simulate_command(
    *,
    workload: str,
    models: str,
    policies: str,
    costs: str,
    workers: int,
    seed: int,
    as_json: bool,
    keep_going: bool,
    plot: Path | None,
    trace: Path | None,
) -> None:
    """Simulate the calls of WORKLOAD (JSON Lines; - reads standard input).

    Exit status: 0 good, 1 the input is at fault, 2 usage.
    """
    request = _Request(
        costs=load_costs(costs),
        models=choose_names(models, MODELS, "--model"),
        policies=choose_names(policies, POLICIES, "--policy"),
        options=Options(workers=workers, seed=seed),
    )
    if plot is not None and plot.suffix not in PLOT_SUFFIXES:
        raise click.BadParameter(
            f"{plot.name!r} should end in one of {', '.join(PLOT_SUFFIXES)}", param_hint="--plot"
        )
    try:
        with click.open_file(workload, "rb") as stream:
            lines = read_workloads(stream, keep_going=keep_going)
            read = list(lines) if plot or trace else lines
            report = _simulate(read, request, workload)
    except WorkloadError as error:
        raise click.ClickException(f"{workload}: {error}") from None
    if plot is not None or trace is not None:
        _tell_all([item for item in read if isinstance(item, Workload)], request, plot, trace)
    _print_report(report, as_json=as_json)
    if report.faults:
        sys.exit(1)


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate, the workloads apart."""

    costs: Costs
    models: tuple[Model, ...]
    policies: tuple[PolicyName, ...]
    options: Options


def choose_names(text: str, known: tuple[Name, ...], option: str) -> tuple[Name, ...]:
    """Read a comma-separated list of names; a repeated name counts once.

    Args:
        text: What was given.
        known: The names that are known.
        option: The option that it was given to, for messages.

    Raises:
        click.BadParameter: A name is not known.
    """
    by_text: dict[str, Name] = {str(name): name for name in known}
    chosen: dict[str, Name] = {}
    for part in text.split(","):
        name = part.strip()
        if name not in by_text:
            raise click.BadParameter(
                f"{name!r} is not known; choose from {', '.join(by_text)}", param_hint=option
            )
        chosen[name] = by_text[name]
    return tuple(chosen.values())


def load_costs(name: str) -> Costs:
    """Give a preset, or read a costs file.

    Args:
        name: Name of a preset, or path of a file.

    Raises:
        click.BadParameter: There is no such preset or file.
        click.ClickException: The file is at fault.
    """
    if name in PRESETS:
        return PRESETS[name]
    try:
        return parse_costs(Path(name).read_bytes())
    except OSError as error:
        raise click.BadParameter(
            f"{name!r} is neither a preset ({', '.join(PRESETS)}) nor a readable file"
            f" ({error.strerror})",
            param_hint="--costs",
        ) from None
    except CostsError as error:
        raise click.ClickException(f"{name}: {error}") from None


def _simulate(read: Iterable[Workload | Fault], request: _Request, source: str) -> Report:
    try:
        return simulate(
            _show_faults(read, source),
            request.costs,
            request.models,
            request.policies,
            request.options,
        )
    except MissingSolverError as error:
        raise click.UsageError(str(error)) from None


def _show_faults(read: Iterable[Workload | Fault], source: str) -> Iterator[Workload | Fault]:
    for item in read:
        if isinstance(item, Fault):
            click.echo(f"Error: {source}: line {item.line}: {item.message}", err=True)
        yield item


def _tell_all(
    workloads: list[Workload], request: _Request, plot: Path | None, trace: Path | None
) -> None:
    """Write the plot of the first workload and the trace of all."""
    try:
        if plot is not None and workloads:
            write_plot(plot, list(_tell(workloads[0], request)))
        if trace is not None:
            with trace.open("wb") as file:
                for workload in workloads:
                    for story in _tell(workload, request):
                        file.writelines(trace_lines(story))
    except (OSError, PlotError) as error:
        raise click.UsageError(str(error)) from None


def _tell(workload: Workload, request: _Request) -> Iterator[Story]:
    return tell(workload, request.costs, request.models, request.policies, request.options)


def _print_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        return
    from rich.console import Console

    Console().print(summary_table(report))
