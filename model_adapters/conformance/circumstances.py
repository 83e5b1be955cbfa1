"""What a run depends on, so that it can be repeated: what was put to the test, versions, level, seed, machine."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final, TypeAlias

import msgspec

import cml
from cml.profile import Level, Spelling
from model_adapters.opening import Request

_ENGINES: Final = ("transformers", "torch", "xllamacpp", "openai")
"""Packages that decode, or ask a server to, by the names that they are imported by too."""


class Circumstances(msgspec.Struct, frozen=True):
    """What a run of the suite on a backend depends on.

    Args:
        backend: As on the command line.
        model: What decodes, in words.
        engines: The packages that decode, or that ask a server to, with their versions.
        level: The level that was asked for.
        markers: How they are spelled.
        seed: Of what is drawn by chance.
        version: Of this distribution.
        python: Version of Python.
        machine: The machine, in words.
        begun_at: When the run began, in UTC.
    """

    backend: str
    model: str
    engines: str
    level: Level
    markers: Spelling
    seed: int
    version: str
    python: str
    machine: str
    begun_at: str

    @property
    def command(self) -> str:
        """The command that puts it to the test."""
        return f"cml conformance {self.backend}{in_options(self.markers)}"


class RuntimeCircumstances(msgspec.Struct, frozen=True):
    """What the answers of another runtime to the vectors depend on.

    Args:
        runtime: Its command or URL.
        level: The level that was asked for.
        markers: How they are spelled.
        version: Of this distribution.
        python: Version of Python.
        machine: The machine, in words.
        begun_at: When the run began, in UTC.
    """

    runtime: str
    level: Level
    markers: Spelling
    version: str
    python: str
    machine: str
    begun_at: str

    @property
    def command(self) -> str:
        """The command that puts it to the test."""
        return f"cml vectors{in_options(self.markers)} {self.runtime}"


AnyCircumstances: TypeAlias = Circumstances | RuntimeCircumstances


def circumstances(request: Request, model: str, level: Level) -> Circumstances:
    """Return the circumstances of a run that begins now, here.

    Args:
        request: What is asked of the backend.
        model: What decodes, in words.
        level: The level that was asked for.
    """
    return Circumstances(
        request.backend,
        model,
        ", ".join(f"{name} {version(name)}" for name in _ENGINES if name in sys.modules),
        level,
        request.profile.markers,
        request.sampling.seed,
        *_here_and_now(),
    )


def runtime_circumstances(runtime: str, level: Level, markers: Spelling) -> RuntimeCircumstances:
    """Return the circumstances of questions to a runtime that begin now, here.

    Args:
        runtime: Its command or URL.
        level: The level that was asked for.
        markers: How they are spelled.
    """
    return RuntimeCircumstances(runtime, level, markers, *_here_and_now())


def in_options(markers: Spelling) -> str:
    """Return how the command line says how markers are spelled, behind a space; nothing for text."""
    return "" if markers is Spelling.TEXT else f" --markers {markers.value}"


def _here_and_now() -> tuple[str, str, str, str]:
    """Return the version of this distribution and of Python, the machine, and when it is."""
    return (
        cml.__version__,
        platform.python_version(),
        f"{platform.platform()}, {os.cpu_count()} cores",
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
