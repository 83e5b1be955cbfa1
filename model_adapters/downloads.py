"""Asking a person before anything is downloaded."""

import click

from model_adapters.errors import AdapterError
from model_adapters.wheels import Wheel, describe_wheel


def agreed(wheel: Wheel, *, yes: bool) -> None:
    """Say what is about to be downloaded, and ask unless `yes`.

    Args:
        wheel: What is missing.
        yes: Whether the person agreed beforehand.

    Raises:
        AdapterError: The person does not agree, or nobody can be asked.
    """
    what = describe_wheel(wheel)
    if yes:
        click.echo(f"downloading {what}, once", err=True)
        return
    try:
        if click.confirm(f"{what} is needed once. Download it with pip?", err=True):
            return
    except click.Abort:
        click.echo(err=True)
    raise AdapterError(f"{what} is missing; run the command again with --yes, or agree")
