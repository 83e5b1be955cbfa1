"""What went wrong on the way to a model, as a line of a command and its exit status."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from interpreter.errors import HostError, MissingExtraError
from interpreter.schedule.data.measured import MeasurementError
from interpreter.tools.declared import ToolError
from model_adapters.errors import AdapterError, OptionNotTakenError, UnknownBackendError


@contextmanager
def telling(backend: str = "--backend") -> Iterator[None]:
    """Give what is raised inside the words and the status of all commands.

    Args:
        backend: What the command line calls the word that names the backend.

    Raises:
        click.ClickException: It was raised; a usage error where the command line is at fault.
    """
    try:
        yield
    except UnknownBackendError as error:
        raise click.BadParameter(str(error), param_hint=f"'{backend}'") from None
    except OptionNotTakenError as error:
        raise click.UsageError(str(error), click.get_current_context(silent=True)) from None
    except (AdapterError, MissingExtraError, ToolError, MeasurementError, HostError) as error:
        raise click.ClickException(str(error)) from None
