"""Values of options of the command line, read and checked."""

from pathlib import Path
from typing import TypeVar

import click

from cml.terminal.files import in_words, require_readable
from cml.terminal.output import print_text
from interpreter.errors import MissingExtraError
from interpreter.schedule.costs import PRESETS, Costs, CostsError, parse_costs
from interpreter.schedule.data.measured import (
    MEASURED,
    MeasurementError,
    measured_path,
    newest_measurement,
)

Name = TypeVar("Name", bound=str)


def choose_names(text: str, known: tuple[Name, ...], option: str) -> tuple[Name, ...]:
    """Read a comma-separated list of names; a repeated name counts once.

    Args:
        text: What was given.
        known: The names that are known.
        option: The option that it was given to, for messages.

    Raises:
        click.BadParameter: A name is not known.
    """
    by_text: dict[str, Name] = {str(name): name for name in known}
    chosen: dict[str, Name] = {}
    for part in text.split(","):
        name = part.strip()
        if name not in by_text:
            raise click.BadParameter(
                f"{name!r} is not known; choose from {', '.join(by_text)}", param_hint=repr(option)
            )
        chosen[name] = by_text[name]
    return tuple(chosen.values())


def load_costs(name: str) -> Costs:
    """Return the costs of a preset or a file, or those that were measured here; which these are is said on
    standard error.

    Args:
        name: Name of a preset, `measured`, or path of a file.

    Raises:
        click.BadParameter: There is no such preset.
        FileFaultError: There is no such file.
        click.ClickException: The file is at fault.
    """
    if name in PRESETS:
        return PRESETS[name]
    if name == MEASURED:
        return _measured_costs()
    if Path(name).suffix:
        require_readable(name)
    try:
        return parse_costs(Path(name).read_bytes())
    except OSError as error:
        raise click.BadParameter(
            f"{name!r} is neither a preset ({', '.join(PRESETS)}), nor {MEASURED}, nor a readable file"
            f" ({in_words(error)})",
            param_hint="'--costs'",
        ) from None
    except CostsError as error:
        raise click.ClickException(f"{name}: {error}") from None


def _measured_costs() -> Costs:
    try:
        newest = newest_measurement()
    except (MeasurementError, MissingExtraError) as error:
        raise click.ClickException(f"--costs {MEASURED}: {error}") from None
    of = f"{newest.model} ({newest.backend}), {newest.measured_at}"
    print_text(f"--costs {MEASURED}: {of}, out of {measured_path()}", err=True)
    return newest.costs


def check_suffix(path: Path | None, suffixes: tuple[str, ...], option: str) -> None:
    """Refuse a file name of which no format is known.

    Args:
        path: What was given, if anything.
        suffixes: Those that are known.
        option: The option that it was given to, for messages.

    Raises:
        click.BadParameter: The suffix is not known.
    """
    if path is not None and path.suffix not in suffixes:
        raise click.BadParameter(
            f"{path.name!r} should end in one of {', '.join(suffixes)}", param_hint=repr(option)
        )
