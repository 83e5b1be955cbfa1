"""The `cml` command: each layer's commands under one name."""

import click

import cml.commands
import interpreter.commands
import model_adapters.commands
from interpreter.schedule.commands.simulate import simulate_command
from interpreter.schedule.commands.traces import advise_command, timeline_command
from interpreter.trace import check_trace
from model_adapters.reproduce_command import reproduce_command
from model_adapters.workload_command import workload_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cml-lang", prog_name="cml")
def main() -> None:
    """Context Markup Language: validate, replay, simulate and run asynchronous function calling."""


for command in (
    cml.commands.validate_command(check_trace),
    cml.commands.parse_command,
    cml.commands.explain_command,
    cml.commands.vectors_command,
    interpreter.commands.replay_command,
    interpreter.commands.diff_command,
    interpreter.commands.explore_command,
    timeline_command,
    advise_command,
    simulate_command,
    model_adapters.commands.run_command,
    workload_command,
    reproduce_command,
):
    main.add_command(command)
