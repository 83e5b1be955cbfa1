"""The option `--bfcl`: categories of the Berkeley leaderboard whose questions a model is asked."""

from collections.abc import Sequence
from typing import Final, get_args

import click

from interpreter.schedule.data.bfcl import BfclError
from model_adapters.commands.workload import bfcl_wheel
from model_adapters.training.evaluation.bfcl import BfclQuestion, Category, read_questions

questions_option: Final = click.option(
    "--bfcl",
    "categories",
    type=click.Choice(get_args(Category)),
    multiple=True,
    help="Questions of the Berkeley leaderboard beside; may be given several times.",
)


def questions_of(
    categories: Sequence[Category], count: int, *, yes: bool
) -> dict[str, tuple[BfclQuestion, ...]]:
    """Return the first questions of each category.

    Args:
        categories: Which; with none, nothing is fetched.
        count: How many of each, at most.
        yes: Whether the data may be downloaded without asking.

    Raises:
        AdapterError: The data cannot be had.
        ClickException: They cannot be read.
    """
    try:
        return {
            category: read_questions(bfcl_wheel(yes=yes), category)[:count]
            for category in categories
        }
    except BfclError as error:
        raise click.ClickException(str(error)) from None
