"""A file of workloads simulated once, or once for each point of a sweep; all effects are here."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import click
import msgspec

from cml.terminal.files import writing
from interpreter.schedule.narration.narrations import Narration, narrate_workload, trace_lines
from interpreter.schedule.studies.corpus import Chunk, Part, add_part, make_chunks, simulate_chunks
from interpreter.schedule.studies.experiment import Experiment
from interpreter.schedule.studies.printing import Output
from interpreter.schedule.studies.report import Tally
from interpreter.schedule.studies.sweep import Setting, SweepPoint, vary
from interpreter.schedule.workload import Workload, WorkloadError, parse_workload, read_lines


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a file of workloads.

    Args:
        source: Path of the file, or `-` for standard input.
        experiment: What to simulate.
        keep_going: Whether to go on after a line that is no workload.
        jobs: How many processes; 0 is one for each core.
        trace: Where to write every step of every run, if anywhere.
        narrations: Whether the runs of the first workload are to be narrated.
    """

    source: str
    experiment: Experiment
    keep_going: bool
    jobs: int
    trace: Path | None = None
    narrations: bool = False


def simulate_file(study: Study, output: Output) -> tuple[Tally, list[Narration]]:
    """Simulate all workloads of a file once.

    Args:
        study: The file and what to do with it.
        output: Where runs and faults go, as they come.

    Returns:
        The tally, and the runs of the first workload if the study wants them narrated.

    Raises:
        WorkloadError: A line is at fault, and the study does not keep going.
        MissingExtraError: The policy `optimal` needs OR-Tools, which is not installed.
        FileFaultError: The trace cannot be written.
    """
    tally, narrator = Tally(), _Narrator(study)
    with click.open_file(study.source, "rb") as stream, _progress(stream, 1) as advance:
        chunks = narrator.pass_on(make_chunks(read_lines(stream)))
        for part in _parts(chunks, study.experiment, study.jobs):
            _check(part, study)
            output.take(part)
            add_part(tally, part)
            advance(part.size_bytes)
    return tally, narrator.narrations


def sweep_file(
    study: Study, settings: tuple[tuple[Setting, ...], ...], output: Output
) -> list[SweepPoint]:
    """Simulate all workloads of a file once for each setting.

    Args:
        study: The file and what to do with it.
        settings: The points of the sweep.
        output: Where faults go, once.

    Raises:
        WorkloadError: A line is at fault, and the study does not keep going.
        MissingExtraError: The policy `optimal` needs OR-Tools, which is not installed.
    """
    points: list[SweepPoint] = []
    with _rewindable(study.source) as stream, _progress(stream, len(settings)) as advance:
        for one in settings:
            tally = Tally()
            stream.seek(0)
            chunks = make_chunks(read_lines(stream))
            for part in _parts(chunks, vary(study.experiment, one), study.jobs):
                _check(part, study)
                if not points:
                    output.take(part)
                add_part(tally, part)
                advance(part.size_bytes)
            points.append(SweepPoint(one, tally.summary()))
    return points


def _check(part: Part, study: Study) -> None:
    if part.faults and not study.keep_going:
        raise WorkloadError(part.faults[0].message, part.faults[0].line)


def _parts(chunks: Iterator[Chunk], experiment: Experiment, jobs: int) -> Iterator[Part]:
    """Simulate one chunk here, and more of them in a pool of processes."""
    first = list(zip(range(2), chunks, strict=False))
    known = (chunk for _, chunk in first)
    jobs = jobs or len(os.sched_getaffinity(0))
    if jobs == 1 or len(first) < 2:
        yield from simulate_chunks(chain(known, chunks), experiment)
        return
    # A fresh interpreter for each worker: the progress bar has a thread, which a fork would break.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from simulate_chunks(chain(known, chunks), experiment, pool, ahead=2 * jobs)


class _Narrator:
    """Narrates runs while their chunks pass by.

    Attributes:
        narrations: Runs of the first workload, if they are wanted.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self.narrations: list[Narration] = []

    def pass_on(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        with _write_to(self._study.trace) as write:
            for chunk in chunks:
                self._keep_first(chunk)
                if write is not None:
                    for workload in _workloads(chunk):
                        write(chain(*map(trace_lines, self._narrate(workload))))
                yield chunk

    def _keep_first(self, chunk: Chunk) -> None:
        if self._study.narrations and not self.narrations:
            first = next(_workloads(chunk), None)
            self.narrations = [] if first is None else list(self._narrate(first))

    def _narrate(self, workload: Workload) -> Iterator[Narration]:
        experiment = self._study.experiment
        return narrate_workload(
            workload, experiment.costs, experiment.models, experiment.policies, experiment.options
        )


@contextmanager
def _write_to(path: Path | None) -> Iterator[Callable[[Iterable[bytes]], None] | None]:
    """Open a file to write lines to, if there is one; what goes wrong with it bears its name."""
    if path is None:
        yield None
        return
    with writing(path):
        opened = path.open("wb")

    def write(lines: Iterable[bytes]) -> None:
        with writing(path):
            opened.writelines(lines)

    try:
        yield write
    finally:
        with writing(path):
            opened.close()


def _workloads(chunk: Chunk) -> Iterator[Workload]:
    """Yield the workloads of a chunk; faults are reported where it is simulated."""
    for line in chunk.lines:
        try:
            yield parse_workload(line)
        except WorkloadError:
            continue


@contextmanager
def _rewindable(source: str) -> Iterator[IO[bytes]]:
    """Open a file that can be read several times, standard input included."""
    with click.open_file(source, "rb") as stream:
        if source != "-" and Path(source).is_file():
            yield stream
            return
        with TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy)
            yield copy


@contextmanager
def _progress(stream: IO[bytes], rounds: int) -> Iterator[Callable[[int], None]]:
    """Show how far reading has come: on a terminal only, and only where work takes a while."""
    if not os.isatty(2):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    total = _size_bytes(stream) * rounds
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulating", total=total or None)
        yield lambda size_bytes: bar.advance(task, size_bytes)


def _size_bytes(stream: IO[bytes]) -> int:
    try:
        return os.fstat(stream.fileno()).st_size
    except OSError:
        return 0
