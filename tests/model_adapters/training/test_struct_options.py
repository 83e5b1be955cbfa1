"""Options from the fields of a struct: what is given comes into it, what does not fit is refused."""

from typing import Annotated, Literal

import click
import msgspec
import pytest
from click.testing import CliRunner
from msgspec import Meta

from model_adapters.training.commands.struct_options import chosen, command_line, options_of


class Plan(msgspec.Struct, frozen=True):
    """A plan.

    Args:
        rate: How fast, in
            steps.
        places: How many.
        order: In which.
        is_open: Whether.
        kept: No option.
    """

    rate: Annotated[float, Meta(gt=0, le=1)] = 0.5
    places: Annotated[int, Meta(ge=2)] | None = None
    order: Literal["first", "last"] = "last"
    is_open: bool = True
    kept: int = 7


@click.command("plan")
@options_of(Plan, "rate", "places", "order", "is_open")
@click.option("--yes", is_flag=True)
def plan_command(*, yes: bool) -> None:
    click.echo(chosen(Plan))
    click.echo(command_line(without=("yes",)))


def run(*words: str) -> str:
    found = CliRunner().invoke(plan_command, words, catch_exceptions=False)
    return found.output


def test_nothing_given_is_the_default() -> None:
    struct, how = run().splitlines()
    assert struct == str(Plan())
    assert how == "plan --rate 0.5 --order last --is-open"


def test_what_is_given_comes_into_the_struct_and_into_the_command_line() -> None:
    words = ("--rate", "0.25", "--places", "3", "--order", "first", "--no-is-open")
    struct, how = run(*words, "--yes").splitlines()
    assert struct == str(Plan(0.25, 3, "first", is_open=False))
    assert how == " ".join(("plan", *words))


def test_the_help_is_that_of_the_docstring_and_what_is_not_named_is_no_option() -> None:
    told = run("--help")
    assert "How fast, in steps." in told
    assert "kept" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("--rate", "0"),
        ("--rate", "1.5"),
        ("--rate", "nan"),
        ("--places", "1"),
        ("--order", "next"),
    ],
)
def test_what_does_not_fit_is_refused(words: tuple[str, str]) -> None:
    assert f"Invalid value for '{words[0]}'" in run(*words)


def test_a_field_that_no_option_can_hold_is_refused_at_once() -> None:
    class Other(msgspec.Struct):
        """Other.

        Args:
            rows: Many.
        """

        rows: tuple[int, ...] = ()

    with pytest.raises(TypeError, match="no option"):
        options_of(Other)(plan_command)
