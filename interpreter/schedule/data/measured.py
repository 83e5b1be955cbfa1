"""What was measured of models on this machine: kept by `cml calibrate`, used as `--costs measured`.

Most of a token's time is counted in microseconds. What is far less than one is in nanoseconds.
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from interpreter.commands.folders import cache_folder
from interpreter.schedule.costs import Costs
from interpreter.session import DecodingCosts

MEASURED: Final = "measured"
"""The name that stands for the newest of them, beside those of the presets."""

_FILE: Final = "measured.json"
_Count = Annotated[int, Meta(ge=0, le=10**13)]


class ContextMoves(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it takes to let a context go and to have it back, for each of its tokens.

    Args:
        swap_out_token_ns: To move it to the memory of the host.
        swap_in_token_ns: To move it back.
        read_token_ns: To read it again.
    """

    swap_out_token_ns: _Count
    swap_in_token_ns: _Count
    read_token_ns: _Count

    def swap_us(self, tokens: int) -> int:
        """Time to move a context out and in again, in microseconds."""
        return tokens * (self.swap_out_token_ns + self.swap_in_token_ns) // 1_000

    def recompute_us(self, tokens: int) -> int:
        """Time to read a context again, in microseconds."""
        return tokens * self.read_token_ns // 1_000


class Measurement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was measured of one model on this machine.

    Args:
        backend: As on the command line.
        model: What decodes, in words; device and data type are a part of it.
        measured_at: When, in the form of ISO 8601.
        token_us: One decoded token, the context being as long as the prompt.
        context_token_ns: Added to that for every token of context.
        interrupt_token_ns: One token of an interrupt.
        call_tokens: Tokens that a call has beside its body.
        trap_tokens: Tokens of a trap.
        moves: What it takes to let the context go; None where it cannot be.
    """

    backend: str
    model: str
    measured_at: str
    token_us: _Count
    context_token_ns: _Count
    interrupt_token_ns: _Count
    call_tokens: _Count
    trap_tokens: _Count
    moves: ContextMoves | None = None

    @property
    def costs(self) -> Costs:
        """The parameters of the accounting (Time/costs).

        Whoever waits for each call does so by a trap after it: in the same context, which is not
        sent anew. So there is no request to pay.
        """
        return Costs(
            token_us=self.token_us,
            interrupt_token_us=round(self.interrupt_token_ns / 1_000),
            async_call_tokens=self.call_tokens,
            sync_call_tokens=self.call_tokens + self.trap_tokens,
            parallel_call_tokens=self.call_tokens,
            parallel_round_tokens=self.trap_tokens,
            trap_tokens=self.trap_tokens,
        )

    @property
    def decoding(self) -> DecodingCosts:
        """The parameters of the virtual decoder (Time/decoding)."""
        return DecodingCosts(
            token_us=self.token_us,
            interrupt_token_us=round(self.interrupt_token_ns / 1_000),
            context_token_us=round(self.context_token_ns / 1_000),
        )


class MeasurementError(ValueError):
    """Nothing was measured, or what was cannot be read."""


def measurements() -> tuple[Measurement, ...]:
    """Return what was measured on this machine, the newest first; one for each model.

    Raises:
        MeasurementError: It cannot be read.
        MissingExtraError: The package that knows the user's cache folder is not installed.
    """
    path = measured_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Measurement, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MeasurementError(f"{path}: {error}; delete it and run cml calibrate again") from None


def measurement_of(model: str) -> Measurement | None:
    """Return what was measured of a model; None if nothing was, or nothing is kept here.

    Args:
        model: What decodes, in words.
    """
    try:
        known = measurements()
    except MeasurementError:
        return None  # whoever asks for it by name is told
    return next((each for each in known if each.model == model), None)


def newest_measurement() -> Measurement:
    """Return what was measured last.

    Raises:
        MeasurementError: Nothing was, or it cannot be read.
        MissingExtraError: As `measurements` does.
    """
    known = measurements()
    if not known:
        raise MeasurementError("nothing was measured on this machine yet; run cml calibrate first")
    return known[0]


def keep_measurement(new: Measurement) -> Path:
    """Keep a measurement in place of an older one of the same model, and return where.

    Raises:
        OSError: It cannot be written.
    """
    try:
        others = [each for each in measurements() if each.model != new.model]
    except MeasurementError:
        others = []
    path = measured_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode([new, *others])) + b"\n")
    part.replace(path)
    return path


def measured_path() -> Path:
    """Return the file that measurements are kept in, whether it is there or not."""
    return cache_folder() / _FILE
