"""A folder that was made once, and how it is known later that it is still what was made.

The manifest lies in the folder: size and SHA-256 of each file, and the times that the system keeps.
Small files are hashed whenever the folder is used; a large one when its times are not those of its
making, for a change that leaves them as they were takes more than an accident.
"""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

MANIFEST_NAME: Final = "manifest.json"
_ALWAYS_HASHED_BYTES: Final = 16_000_000


class MadeFile(msgspec.Struct, frozen=True):
    """A file as it was made.

    Args:
        bytes: Its size.
        sha256: As 64 hexadecimal digits.
        modified_ns: When its content was last changed, in nanoseconds.
        changed_ns: When anything of it was last changed, in nanoseconds.
    """

    bytes: int
    sha256: str
    modified_ns: int
    changed_ns: int


class Manifest(msgspec.Struct, frozen=True):
    """What a folder holds.

    Args:
        source: SHA-256 of what it was made from.
        files: Its files by name; the manifest itself is none of them.
    """

    source: str
    files: dict[str, MadeFile]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, source: str) -> None:
    """Write down what a finished folder holds.

    Args:
        folder: Files only.
        source: SHA-256 of what it was made from.
    """
    manifest = Manifest(source, {path.name: _made(path) for path in sorted(folder.iterdir())})
    (folder / MANIFEST_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def change_in(folder: Path, source: str) -> str | None:
    """Return in words how a folder differs from what was made; None if it does not.

    Args:
        folder: The folder, which has to exist.
        source: SHA-256 of what it has to be made from.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return f"it has no {MANIFEST_NAME} that can be read"
    if manifest.source != source:
        return "it was made from another file"
    names = {path.name for path in folder.iterdir()} - {MANIFEST_NAME}
    if names != manifest.files.keys():
        different = ", ".join(sorted(names ^ manifest.files.keys()))
        return f"{different} was added or is missing"
    changed = [name for name, made in manifest.files.items() if _differs(folder / name, made)]
    return f"{', '.join(changed)} was changed" if changed else None


def _made(path: Path) -> MadeFile:
    status = path.stat()
    return MadeFile(status.st_size, sha256_of(path), status.st_mtime_ns, status.st_ctime_ns)


def _differs(path: Path, made: MadeFile) -> bool:
    try:
        status = path.stat()
        if status.st_size != made.bytes:
            return True
        times = (status.st_mtime_ns, status.st_ctime_ns)
        is_as_made = times == (made.modified_ns, made.changed_ns)
        if made.bytes > _ALWAYS_HASHED_BYTES and is_as_made:
            return False
        return sha256_of(path) != made.sha256
    except OSError:
        return True
