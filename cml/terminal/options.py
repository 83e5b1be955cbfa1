"""Values of options and arguments that several commands have, read and held to their range."""

import math
from typing import Final

import click

_SHORTEST_S: Final = 0.001
_LONGEST_S: Final = 1_000_000.0


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
        raise click.BadParameter(f"not UTF-8 after {error.start} characters") from None
    return value


def seconds(value: str) -> float:
    """Return a time in seconds, for the `type` of an option.

    Raises:
        click.BadParameter: It is no number, or out of the range.
    """
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not _SHORTEST_S <= number <= _LONGEST_S:  # so is a NaN refused
        bounds = f"{_SHORTEST_S:g} to {_LONGEST_S:,.0f}"
        raise click.BadParameter(f"{value!r} is not a number of seconds from {bounds}")
    return number


json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
"""The option of every command that can print its result as JSON."""
