"""The option `--bfcl`: categories of the Berkeley leaderboard whose questions a model is asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import click

from interpreter.schedule.data.bfcl import BfclError
from model_adapters.commands.workload import bfcl_wheel
from model_adapters.training.evaluation.bfcl import Category, read_questions
from model_adapters.training.evaluation.bfcl_turns import read_first_turns
from model_adapters.training.evaluation.trials import BerkeleyQuestion

QuestionSet: TypeAlias = Category | Literal["multi_turn_base"]
"""Categories; of the last the first turns."""

questions_option: Final = click.option(
    "--bfcl",
    "categories",
    type=click.Choice((*get_args(Category), "multi_turn_base")),
    multiple=True,
    help="Questions of the Berkeley leaderboard beside; may be given several times.",
)


def questions_of(
    categories: Sequence[QuestionSet], count: int, *, yes: bool
) -> dict[str, tuple[BerkeleyQuestion, ...]]:
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
        return {category: _read(category, bfcl_wheel(yes=yes))[:count] for category in categories}
    except BfclError as error:
        raise click.ClickException(str(error)) from None


def _read(category: QuestionSet, wheel: Path) -> tuple[BerkeleyQuestion, ...]:
    match category:
        case "multi_turn_base":
            return read_first_turns(wheel)
        case _:
            return read_questions(wheel, category)
