"""`cml reproduce`: the published evaluation beside ours, with the data fetched for it."""

from pathlib import Path

import click

from cml.terminal.files import OUTPUT_FOLDER, writing
from cml.terminal.options import seed_option, yes_option
from cml.terminal.output import print_text
from interpreter.errors import MissingExtraError
from interpreter.schedule.data.bfcl import BfclError
from interpreter.schedule.paper.report import write_reproduction
from interpreter.schedule.paper.reproduction import Setup
from model_adapters.commands.workload import bfcl_wheel, token_counter
from model_adapters.errors import AdapterError


@click.command("reproduce")
@click.argument("paper", type=click.Choice(["asynclm"]))
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FOLDER,
    default=Path("reproduction"),
    show_default=True,
    help="Folder for the report.",
)
@seed_option
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Multi-step-parallel workloads.",
)
@click.option(
    "--tokenizer",
    default="characters",
    show_default=True,
    help="characters (four to a token), smollm2 (that of the embedded model), or a model's FOLDER.",
)
@yes_option
def reproduce_command(
    paper: str, *, output: Path, seed: int, count: int, tokenizer: str, yes: bool
) -> None:
    """Write a report, Markdown and HTML, that puts each published figure of PAPER beside ours.

    It says which accounting was used, what cannot be reproduced, and why.
    """
    try:
        setup = Setup(
            wheel=bfcl_wheel(yes=yes),
            count_tokens=token_counter(tokenizer, yes=yes),
            tokens=f"counted by {tokenizer}",
            seed=seed,
            count=count,
        )
        with writing(output):
            markdown, html = write_reproduction(setup, output, paper)
    except (AdapterError, BfclError, MissingExtraError) as error:
        raise click.ClickException(str(error)) from None
    print_text(f"written: {markdown} and {html}", err=True)
