"""`cml reproduce`: the published evaluation beside ours, as a report."""

from pathlib import Path

import click

from interpreter.schedule.bfcl import BfclError
from interpreter.schedule.document import write_document
from interpreter.schedule.missing import MissingExtraError
from interpreter.schedule.reproduction import Setup, reproduce
from interpreter.schedule.reproduction_report import report_blocks
from interpreter.schedule.theorems import check_theorems


@click.command("reproduce")
@click.argument("paper", type=click.Choice(["asynclm"]))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reproduction"),
    show_default=True,
    help="Folder for the report.",
)
@click.option(
    "--wheel",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The wheel of bfcl-eval.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of all that is drawn.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Multi-step-parallel workloads.",
)
def reproduce_command(paper: str, *, output: Path, wheel: Path, seed: int, count: int) -> None:
    """Write PAPER.md and PAPER.html: each published figure of PAPER beside ours.

    Tokens are estimated as characters / 4.
    """
    setup = Setup(wheel=wheel, seed=seed, count=count)
    try:
        markdown, html = write_reproduction(setup, output, paper)
    except BfclError as error:
        raise click.ClickException(str(error)) from None
    except (MissingExtraError, OSError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"written: {markdown} and {html}", err=True)


def write_reproduction(setup: Setup, output: Path, name: str = "asynclm") -> tuple[Path, Path]:
    """Compute all figures and write the report.

    Args:
        setup: What from.
        output: Folder; made where it is not there.
        name: Name of the files.

    Returns:
        The Markdown file and the HTML file.

    Raises:
        BfclError: The wheel cannot be read or its data has another form.
        MissingExtraError: The extra `plot` is not installed.
        OSError: A file cannot be written.
    """
    blocks = report_blocks(setup, reproduce(setup), check_theorems(setup.seed))
    return write_document(output, name, blocks)
