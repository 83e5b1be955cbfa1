"""The command that holds another implementation to the test vectors."""

import sys
from collections import Counter

import click

from cml.terminal.foreign import visible
from cml.terminal.options import json_option, seconds
from cml.terminal.output import print_json
from cml.vectors.asking import ImplementationError, ask_program, ask_server, is_server
from interpreter.vectors.questions import CATEGORIES


@click.command("vectors", context_settings={"ignore_unknown_options": True})
@click.argument("command", metavar="COMMAND...", nargs=-1, required=True)
@click.option(
    "--category",
    "categories",
    multiple=True,
    type=click.Choice(list(CATEGORIES)),
    help="Ask only these; may be repeated. All of them by default.",
)
@json_option
@click.option(
    "--timeout",
    "timeout_s",
    type=seconds,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long COMMAND may take: 0.001 to 1,000,000 seconds.",
)
def vectors_command(
    command: tuple[str, ...], *, categories: tuple[str, ...], as_json: bool, timeout_s: float
) -> None:
    """Hold another implementation to the test vectors.

    COMMAND reads one request a line and writes one answer a line, or is the URL of a server that takes
    each as a POST; spec/vectors/README.md says how.
    Exit status: 0 all are answered right, 1 one is not.
    """
    chosen = categories or tuple(CATEGORIES)
    asked = {name: q for category in chosen for name, q in CATEGORIES[category]().items()}
    first, *more = command
    if is_server(first) and more:
        raise click.UsageError(f"{first} is the URL of a server: nothing may follow it.")
    try:
        wrong = (
            ask_server(first, asked, timeout_s)
            if is_server(first)
            else ask_program(command, asked, timeout_s)
        )
    except ImplementationError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"vectors": len(asked), "wrong": wrong})
    else:
        _show(list(asked), wrong)
    sys.exit(1 if wrong else 0)


def _show(names: list[str], wrong: dict[str, list[str]]) -> None:
    for name, found in wrong.items():
        click.echo("\n    ".join([name, *map(visible, found)]))
    of_category = Counter(name.partition("/")[0] for name in names)
    bad = Counter(name.partition("/")[0] for name in wrong)
    for category, count in of_category.items():
        click.echo(f"{category}: {count - bad[category]} of {count} vectors are answered right")
