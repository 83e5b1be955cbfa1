"""Files that a command line names: one wording and one exit status for each mistake.

Status 2: the file cannot be read or written as the command line asks. Status 1: it can be read, and
what it holds is at fault.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import click

from cml.characters import not_utf_8

STDIN: Final = "-"

_WORDS: Final = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file: a part of its path is not a folder",
    errno.EISDIR: "this is a folder; name a file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOSPC: "the disk is full",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EEXIST: "there is a file of this name",
}


_DATABASES: Final = ("sqlite:", "postgresql:", "postgres:")
"""What the name of a database of journals begins with."""
_IN_A_DATABASE: Final = (
    "this names a database and no file; cml journals PLACE#SESSION -o FILE writes the trace of a"
    " session of it"
)


class FileFaultError(click.ClickException):
    """A file that cannot be read or written as the command line asks."""

    exit_code = 2


class UnreadableError(FileFaultError):
    """A file that cannot be read.

    Args:
        path: Its name.
        words: Why.

    Attributes:
        file: Its name, without a password.
        words: Why.
    """

    def __init__(self, path: str | Path, words: str) -> None:
        self.file, self.words = _shown(path), words
        super().__init__(f"{self.file}: {words}")


def in_words(error: OSError) -> str:
    """Return what the system says of a file, in the words of all commands."""
    known = None if error.errno is None else _WORDS.get(error.errno)
    return known or error.strerror or str(error)


def cannot_write(path: str | Path, error: OSError) -> FileFaultError:
    """Return the error for a file that cannot be written."""
    words = "its folder does not exist" if error.errno == errno.ENOENT else in_words(error)
    return FileFaultError(f"{path}: cannot be written: {words}")


def require_readable(path: str | Path) -> None:
    """Find out before any work whether a file can be read, without opening it: it may be a pipe.

    Args:
        path: Its name; `-` is standard input.

    Raises:
        UnreadableError: It cannot.
    """
    if fault := _fault_of(path):
        raise UnreadableError(path, fault)


def _shown(path: str | Path) -> str:
    """Return a name without what the address of a server holds: it may be a password."""
    scheme, slashes, _ = str(path).partition("://")
    return f"{scheme}://" if slashes and str(path).startswith(_DATABASES) else str(path)


def _fault_of(path: str | Path) -> str | None:
    if str(path) == STDIN:
        return None
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        return _IN_A_DATABASE if str(path).startswith(_DATABASES) else in_words(error)
    if stat.S_ISDIR(mode):
        return _WORDS[errno.EISDIR]
    return None if os.access(path, os.R_OK) else _WORDS[errno.EACCES]


@contextmanager
def reading(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input for `-`, to read its bytes.

    Raises:
        UnreadableError: It cannot be opened.
    """
    if str(path) == STDIN:
        yield sys.stdin.buffer
        return
    try:
        opened = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise UnreadableError(path, in_words(error)) from None
    with opened:
        yield opened


def read_text(path: str | Path) -> str:
    """Return the text of a file, or of standard input for `-`.

    Raises:
        FileFaultError: It cannot be read.
        click.ClickException: It is not UTF-8.
    """
    with reading(path) as opened:
        content = opened.read()
    if fault := not_utf_8(content):
        raise click.ClickException(f"{path}: {fault}")
    return content.decode("utf-8")


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Give what goes wrong inside, when a file is written, the words of all commands.

    Raises:
        FileFaultError: The file cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from None


class _InputFile(click.Path):
    """A file to read, or `-` for standard input."""

    name = "file"

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Return its name, once it is known that it can be read."""
        del param, ctx
        require_readable(os.fspath(value))
        return os.fspath(value)


INPUT_FILE: Final = _InputFile()
"""Type of an argument or option that names a file to read."""


class _OutputFile(click.Path):
    """A file to write."""

    name = "file"

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return its path, once it is known that it can be written, and is not meant for standard output."""
        if os.fspath(value) == STDIN:
            self.fail(
                "it is written to a file, and - is none; ./- is a file of this name", param, ctx
            )
        path = Path(value)
        code = _unwritable(path)
        if code:
            raise cannot_write(path, OSError(code, os.strerror(code)))
        return path


def _unwritable(path: Path) -> int:
    """Return the code of the error that writing would end in, as far as that is known; or 0."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            return errno.ENOENT
        return 0 if os.access(path.parent, os.W_OK) else errno.EACCES
    except OSError as error:
        return error.errno or errno.EIO
    if stat.S_ISDIR(mode):
        return errno.EISDIR
    return 0 if os.access(path, os.W_OK) else errno.EACCES


OUTPUT_FILE: Final = _OutputFile()
"""Type of an option that names a file to write."""


class _OutputFolder(click.Path):
    """A folder to write into, which is made if need be."""

    name = "folder"

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return its path, once it is known that it is no file."""
        del param, ctx
        path = Path(value)
        if path.exists() and not path.is_dir():
            raise cannot_write(path, OSError(errno.EEXIST, os.strerror(errno.EEXIST)))
        return path


OUTPUT_FOLDER: Final = _OutputFolder()
"""Type of an option that names a folder to write into."""
