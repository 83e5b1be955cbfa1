"""Disks of their own, for what only a real one does: to be full, or to be read-only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE_BYTES = 4_096
"""A file takes whole pages of such a disk."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of half a megabyte, in a folder that is there for it."""
    folder.mkdir()
    options = f"size={128 * PAGE_BYTES}"
    _mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def make_read_only(disk: Path) -> None:
    """Let nothing more be written on a disk."""
    _mount("-o", "remount,ro", str(disk))


def fill(disk: Path) -> Path:
    """Take all that is free on a disk; return the file that has it."""
    path = disk / "full"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(PAGE_BYTES))
        except OSError:
            return path


def _mount(*options: str) -> None:
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this needs the right to mount a disk: {done.stderr.strip()}")
