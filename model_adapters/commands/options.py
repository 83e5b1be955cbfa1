"""Options of every command that opens a model."""

import re
from collections.abc import Iterable
from typing import Final, get_args

import click
from click.core import ParameterSource

from cml.profile import Spelling
from interpreter.session import Strategy
from model_adapters.opening import MOST_CALLS, OPTIONS, Option

_DEVICE: Final = re.compile(r"cpu|cuda(:[0-9]+)?|mps")


def options_of(command: click.Command, names: Iterable[str]) -> list[click.Parameter]:
    """Return options of a command for another one, as they are there.

    Args:
        command: Which has them.
        names: Theirs, as the function of the command takes them, in the order in which help lists them.
    """
    named = {one.name: one for one in command.params}
    return [named[name] for name in names]


def require_room_for_calls(min_calls: int, max_calls: int | None) -> None:
    """See that a model may write the calls that it has to.

    Raises:
        BadParameter: It may not.
    """
    if max_calls is not None and max_calls < min_calls:
        message = f"{max_calls} is less than --min-calls, which is {min_calls}"
        raise click.BadParameter(message, param_hint="'--max-calls'")


def _device(value: str) -> str:
    if not _DEVICE.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no device; give cpu, cuda, cuda:N or mps")
    return value


def given_options() -> frozenset[Option]:
    """Return the options for a backend that the command line gives, whatever their values are.

    `--markers text` is none: it asks for what every backend does.
    """
    context = click.get_current_context()
    given = frozenset(
        option
        for option in OPTIONS
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE
    )
    return given - {"markers"} if context.params.get("markers") == Spelling.TEXT.value else given


device_option: Final = click.option(
    "--device",
    type=_device,
    metavar="NAME",
    help="cpu, cuda, cuda:N or mps; by default what there is.",
)
temperature_option: Final = click.option(
    "--temperature",
    type=click.FloatRange(min=0, max=100),
    default=0.0,
    show_default=True,
    help="How much chance there is in the choice of a token; 0 takes the likeliest.",
)
top_k_option: Final = click.option(
    "--top-k",
    type=click.IntRange(min=1),
    help="Choose among so many of the likeliest tokens only; all if absent.",
)
top_p_option: Final = click.option(
    "--top-p",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=1.0,
    show_default=True,
    help="Choose among the likeliest tokens that together have this probability only.",
)
min_calls_option: Final = click.option(
    "--min-calls",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Calls that the model has to begin with.",
)
max_calls_option: Final = click.option(
    "--max-calls",
    type=click.IntRange(min=0),
    help=f"Calls that it may write in a turn; {MOST_CALLS} if absent.",
)
at_trap_option: Final = click.option(
    "--at-trap",
    type=click.Choice(("auto", *get_args(Strategy))),
    default="auto",
    show_default=True,
    help="What becomes of the context at a trap, with hf: it is kept, moved to the host's memory, read"
    " again, or what is cheapest by what cml calibrate measured.",
)
markers_option: Final = click.option(
    "--markers",
    type=click.Choice([spelling.value for spelling in Spelling]),
    default=Spelling.TEXT.value,
    show_default=True,
    help="How markers are spelled: as text, or, with hf or a script, as five tokens that nothing else is.",
)
