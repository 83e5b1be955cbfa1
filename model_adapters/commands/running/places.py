"""Where a trace is: a file, or a session in a database; and from there to its recording."""

from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import click

from cml.terminal.files import INPUT_FILE, OUTPUT_FILE
from interpreter.commands.journal_places import SPELLING, JournalPlace, journal_place
from interpreter.state import Phase
from model_adapters.commands.running.databases import NewSession, TakenSession
from model_adapters.commands.running.files import NewFile, ResumedFile
from model_adapters.commands.running.recording import Recording, session_over

TracePlace: TypeAlias = Path | JournalPlace
"""A file, or a session in a database."""


def begun(place: TracePlace | None, stack: ExitStack, *, overwrite: bool = False) -> Recording:
    """Return what records a session that begins.

    Args:
        place: Where to; None for nowhere.
        stack: Closes it.
        overwrite: Whether a file of a session that is not over is written over.

    Raises:
        FileFaultError: It cannot be written.
        MissingExtraError: A package is not installed.
        click.UsageError: It is no file, and is to be written over.
    """
    if overwrite and not isinstance(place, Path):
        raise click.UsageError("--overwrite writes over the file of a --trace; there is none")
    if isinstance(place, JournalPlace):
        return NewSession(place, stack)
    return NewFile(place, stack, overwrite=overwrite)


def resumed(place: TracePlace, stack: ExitStack) -> Recording:
    """Return what records a session that goes on, and is not over.

    Args:
        place: Where it is.
        stack: Closes it.

    Raises:
        FileFaultError: It cannot be read or written.
        HostError: Another process, or another worker, has it (Embed/resume, Embed/owner).
        click.ClickException: A line is at fault, or there is nothing to go on with.
    """
    if isinstance(place, JournalPlace):
        recording: TakenSession | ResumedFile = TakenSession(place, stack)
    else:
        recording = ResumedFile(place, stack)
    if recording.past.state.phase is Phase.ENDED:
        raise session_over(recording.written_to)
    return recording


def written_trace(value: str) -> TracePlace:
    """Return where a trace is to be written, for the `type` of an option.

    Raises:
        click.BadParameter: It names a database and no session.
        FileFaultError: The file cannot be written.
    """
    place = journal_place(value)
    if place is None:
        return OUTPUT_FILE.convert(value, None, None)
    if not place.session:
        raise click.BadParameter(f"{place} names no session; give {SPELLING}")
    return place


def resumed_trace(value: str) -> TracePlace:
    """Return which session goes on, for the `type` of an argument: of a database, maybe whichever was left.

    Raises:
        FileFaultError: The file cannot be read.
    """
    return journal_place(value) or Path(INPUT_FILE.convert(value, None, None))
