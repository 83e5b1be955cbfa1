"""`cml calibrate`: what a model costs on this machine."""

from datetime import UTC, datetime

import click
import msgspec

from cml.terminal.files import writing
from cml.terminal.options import json_option, yes_option
from cml.terminal.output import name_of, print_json, print_text
from interpreter.schedule.data.measured import (
    MEASURED,
    Measurement,
    keep_measurement,
    measured_path,
    measurements,
)
from model_adapters.backends import Request, open_backend, require_backend
from model_adapters.calibration import PROMPT, calibrate, told
from model_adapters.commands.options import device_option, given_options
from model_adapters.commands.telling import telling

_ENOUGH_TOKENS = 1_000_000


@click.command("calibrate")
@click.argument("backend", default="auto")
@device_option
@click.option("--show", is_flag=True, help="Measure nothing; show what is known.")
@yes_option
@json_option
def calibrate_command(
    backend: str, *, device: str | None, show: bool, yes: bool, as_json: bool
) -> None:
    """Measure what decoding with BACKEND (the embedded model by default) costs on this machine, and keep it.

    The newest measurement is what `cml simulate --costs measured` reckons with. A session of the
    same model decides by it what becomes of its context at a trap.

    Exit status: 0 good, 1 nothing can be measured, 2 usage.
    """
    with telling("BACKEND"):
        if show:
            known = measurements()
        else:
            require_backend(backend, given_options())
            request = Request(
                backend, PROMPT, {}, max_tokens=_ENOUGH_TOKENS, device=device, yes=yes
            )
            now = datetime.now(UTC).isoformat(timespec="seconds")
            known = (calibrate(open_backend(request), backend, now),)
            with writing(measured_path()):
                keep_measurement(known[0])
    if as_json:
        path = name_of(str(measured_path()))
        print_json({"kept_in": path, "measurements": msgspec.to_builtins(known)})
    else:
        _show(known)


def _show(known: tuple[Measurement, ...]) -> None:
    for measurement in known:
        print_text(f"{measurement.model} ({measurement.backend}), {measurement.measured_at}")
        for what, figure in told(measurement):
            print_text(f"  {what:<30}{figure}")
    if known:
        print_text(f"kept in {measured_path()}; cml simulate takes the newest: --costs {MEASURED}")
    else:
        print_text("nothing was measured on this machine yet")
