"""Values of options and arguments that several commands have, read and held to their range."""

import math
from typing import Final

import click

from cml.wording import counted

_SHORTEST_S: Final = 0.001
_LONGEST_S: Final = 1_000_000.0
_WIDEST: Final = 10.0


def text(value: str) -> str:
    """Return a text as it is, for the `type` of an option or argument.

    Raises:
        click.BadParameter: It is empty, or holds bytes that are not UTF-8.
    """
    if not value.strip():
        raise click.BadParameter("it is empty; say something")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise click.BadParameter(f"not UTF-8 after {counted(error.start, 'character')}") from None
    return value


def seconds(value: str) -> float:
    """Return a time in seconds, for the `type` of an option.

    Raises:
        click.BadParameter: It is no number, or out of the range.
    """
    return _number(value, "a number of seconds", _SHORTEST_S, _LONGEST_S)


def deviation(value: str) -> float:
    """Return a standard deviation of logarithms, for the `type` of an option.

    Raises:
        click.BadParameter: It is no number, or out of the range.
    """
    return _number(value, "a number", 0.0, _WIDEST)


def _number(value: str, what: str, least: float, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not least <= number <= most:  # so is a NaN refused
        raise click.BadParameter(f"{value!r} is not {what} from {least:g} to {most:,.0f}")
    return number


json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
"""The option of every command that can print its result as JSON."""

yes_option: Final = click.option(
    "--yes", is_flag=True, help="Download what is missing without asking."
)
"""The option of every command that may have to fetch something."""

seed_option: Final = click.option(
    "--seed", default=0, show_default=True, help="Seed of all that is drawn."
)
"""The option of every command that draws numbers by chance."""
