"""`cml advise`: traces of real runs, explained."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from cml.terminal.files import INPUT_FILE
from cml.terminal.options import json_option
from cml.terminal.output import print_json, print_text
from interpreter.commands.trace_files import reading_trace, say_if_cut_short
from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.schedule.advice.advice import advise
from interpreter.schedule.advice.observed import observe
from interpreter.trace import Header


@click.command("advise")
@click.argument("trace", type=INPUT_FILE)
@click.option("--workers", type=click.IntRange(min=0), help="Instead of what the trace says.")
@json_option
def advise_command(trace: str, *, workers: int | None, as_json: bool) -> None:
    """Say what limited the run of TRACE, and what would have made it faster.

    Exit status: 0 good, 1 the trace is at fault, 2 usage.
    """
    header, rows = _read(trace)
    with _of_a_session(trace):
        observation = observe(header.settings, rows)
    say_if_cut_short(trace, observation.run)
    if not observation.calls:
        raise click.ClickException(f"{trace}: no call started in this run: nothing to advise on")
    advice = advise(observation, header.settings.workers if workers is None else workers)
    if as_json:
        print_json(advice)
        return
    for sentence in advice.sentences:
        print_text(sentence)


@contextmanager
def _of_a_session(trace: str) -> Iterator[None]:
    """Say which trace it is that no session can have left."""
    try:
        yield
    except HostError as error:
        message = f"{trace}: {error}; cml validate says in which row"
        raise click.ClickException(message) from None


def _read(path: str) -> tuple[Header, list[Row]]:
    with reading_trace(path) as (header, rows):
        return header, list(rows)
