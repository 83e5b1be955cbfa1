"""What was played, kept in a file as it comes, so that the same command goes on where it was stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from model_adapters.training.evaluation.report import Played


class KeptFileError(Exception):
    """A file that holds plays of another trial, or none at all."""


class Trial(msgspec.Struct, frozen=True):
    """What decides what is played, but for how much of it.

    Args:
        backend: As on the command line.
        seed: Of the dialogues.
        progress: Whether calls report progress.
        masked: Whether the model is masked.
    """

    backend: str
    seed: int
    progress: bool
    masked: bool


@contextmanager
def keeping(
    path: Path | None, trial: Trial
) -> Iterator[tuple[list[Played], Callable[[Played], Played]]]:
    """Give what a file holds, and what adds a play to it, and returns it, once it is there.

    Args:
        path: The file, which is made where it is not there; None keeps nothing.
        trial: What is played.

    Raises:
        KeptFileError: It holds something else.
        OSError: It cannot be read or written.
    """
    if path is None:
        yield [], lambda played: played
        return
    with path.open("ab+") as file:
        file.seek(0)
        before, whole = _read(file.read(), trial)
        file.truncate(whole)  # without a line that was not written to its end
        if not whole:
            file.write(msgspec.json.encode(trial) + b"\n")

        def add(played: Played) -> Played:
            file.write(msgspec.json.encode(played) + b"\n")
            file.flush()
            return played

        yield before, add


def _read(content: bytes, trial: Trial) -> tuple[list[Played], int]:
    """Return the plays of a file, and how many bytes of it are whole lines."""
    whole = content.rfind(b"\n") + 1
    first, *lines = content[:whole].splitlines() or [b""]
    try:
        if first and (found := msgspec.json.decode(first, type=Trial)) != trial:
            raise KeptFileError(f"it holds plays of {found}, and these are of {trial}")
        return [msgspec.json.decode(line, type=Played) for line in lines], whole
    except msgspec.DecodeError as error:
        raise KeptFileError(f"it holds no plays of `cml evaluate`: {error}") from None
