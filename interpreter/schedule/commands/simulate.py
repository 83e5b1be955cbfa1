"""`cml simulate`: how long calls take under each execution model and policy."""

import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

import click

from cml.terminal.files import INPUT_FILE, OUTPUT_FILE, writing
from cml.terminal.options import json_option
from interpreter.errors import MissingExtraError
from interpreter.schedule.charts.draw import PLOT_SUFFIXES, DrawingError, draw
from interpreter.schedule.commands.options import check_suffix, choose_names, load_costs
from interpreter.schedule.costs import PRESETS
from interpreter.schedule.models.timing import (
    DEFAULT_POLICY,
    MODELS,
    PAPER_MODELS,
    POLICIES,
)
from interpreter.schedule.narration.timelines import simulated_timelines
from interpreter.schedule.simulate import Options
from interpreter.schedule.studies.experiment import Experiment
from interpreter.schedule.studies.printing import Output
from interpreter.schedule.studies.study import Study, simulate_file, sweep_file
from interpreter.schedule.studies.sweep import (
    SweepError,
    WhatIf,
    parse_what_if,
    sweep_curves,
    sweep_settings,
)
from interpreter.schedule.workload import WorkloadError


@click.command("simulate")
@click.argument("workload", type=INPUT_FILE)
@click.option(
    "--model",
    "models",
    default=",".join(PAPER_MODELS),
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
    metavar="PRESET|measured|FILE",
    help=f"A preset ({', '.join(PRESETS)}), what cml calibrate measured last, or a JSON file.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    help="How many calls can run at once; 0 (the default) is without limit.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the policy random.")
@json_option
@click.option("--keep-going", is_flag=True, help="Report faulty lines and simulate the others.")
@click.option(
    "--plot",
    type=OUTPUT_FILE,
    help="Draw the runs of the first workload, or the sweep: FILE.html, FILE.svg or FILE.png.",
)
@click.option(
    "--trace",
    type=OUTPUT_FILE,
    help="Write every step of every run as JSON Lines, which is no trace of a session.",
)
@click.option(
    "--what-if",
    "what_ifs",
    multiple=True,
    metavar="NAME=VALUE,…",
    help="Sweep workers, token_us or noise, as in workers=1,2,4; several sweep all combinations.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    help="Processes for large files; 0 (the default) is one for each core.",
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
    what_ifs: tuple[str, ...],
    jobs: int,
) -> None:
    """Simulate the calls of WORKLOAD (JSON Lines; - reads standard input).

    Exit status: 0 good, 1 the input is at fault, 2 usage.
    """
    sweeps = _read_sweeps(what_ifs)
    experiment = Experiment(
        costs=load_costs(costs),
        models=choose_names(models, MODELS, "--model"),
        policies=choose_names(policies, POLICIES, "--policy"),
        options=Options(workers=workers, seed=seed),
    )
    check_suffix(plot, PLOT_SUFFIXES, "--plot")
    study = Study(
        source=workload,
        experiment=experiment,
        keep_going=keep_going,
        jobs=jobs,
        trace=trace,
        narrations=plot is not None,
    )
    output = Output(workload, experiment.costs, as_json=as_json)
    try:
        if sweeps:
            _sweep(study, sweeps, plot, output)
        else:
            _simulate(study, plot, output)
    except WorkloadError as error:
        raise click.ClickException(f"{workload}: {error}") from None
    except BrokenExecutor:
        raise click.ClickException(
            "a worker process died, perhaps for want of memory; try fewer with --jobs"
        ) from None
    except DrawingError as error:
        raise click.UsageError(str(error)) from None
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from None
    finally:
        output.close()
    if output.faults:
        sys.exit(1)


def _simulate(study: Study, plot: Path | None, output: Output) -> None:
    tally, narrations = simulate_file(study, output)
    if plot is not None and narrations:
        with writing(plot):
            draw(plot, simulated_timelines(narrations))
    output.print_report(tally)


def _read_sweeps(what_ifs: tuple[str, ...]) -> tuple[WhatIf, ...]:
    try:
        sweeps = tuple(parse_what_if(text) for text in what_ifs)
        sweep_settings(sweeps)
    except SweepError as error:
        raise click.BadParameter(str(error), param_hint="'--what-if'") from None
    return sweeps


def _sweep(study: Study, sweeps: tuple[WhatIf, ...], plot: Path | None, output: Output) -> None:
    if study.trace is not None:
        raise click.UsageError("--trace follows one simulation; leave --what-if out")
    points = sweep_file(study, sweep_settings(sweeps), output)
    if plot is not None and points[0].summary:
        names = " and ".join(sweep.parameter for sweep in sweeps)
        with writing(plot):
            draw(plot, sweep_curves(points, f"What if {names} were different?"))
    output.print_sweep(points)
