"""Many workloads: in bounded chunks, in order, on as many cores or machines as there are.

`simulate_chunk` is a plain function of plain data, so any `concurrent.futures.Executor` can map
it: a process pool here, `Client.get_executor()` of a Dask cluster (extra `dask`) elsewhere.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Final

import msgspec

from interpreter.schedule.studies.experiment import Experiment
from interpreter.schedule.studies.report import Tally, WorkloadReport, report_workload
from interpreter.schedule.workload import Fault, WorkloadError, parse_workload

CHUNK_LINES: Final = 250
CHUNK_BYTES: Final = 4 * 2**20
"""A chunk ends after so many workloads or bytes, whichever comes first."""


class Chunk(msgspec.Struct, frozen=True):
    """Neighbouring lines of a file.

    Args:
        numbers: Number of each line, from 1.
        lines: The lines, none blank.
    """

    numbers: tuple[int, ...]
    lines: tuple[bytes, ...]

    @property
    def size_bytes(self) -> int:
        """Length of the lines together."""
        return sum(map(len, self.lines))


class Part(msgspec.Struct, frozen=True):
    """What became of a chunk.

    Args:
        reports: Runs of each workload and its makespan under Sync, in order.
        faults: Lines that hold no workload.
        size_bytes: Length of the chunk.
    """

    reports: tuple[tuple[WorkloadReport, int], ...]
    faults: tuple[Fault, ...]
    size_bytes: int


def make_chunks(lines: Iterable[tuple[int, bytes]]) -> Iterator[Chunk]:
    """Group numbered lines, as `read_lines` gives them."""
    kept: list[tuple[int, bytes]] = []
    size_bytes = 0
    for number, line in lines:
        kept.append((number, line))
        size_bytes += len(line)
        if len(kept) == CHUNK_LINES or size_bytes >= CHUNK_BYTES:
            yield _chunk(kept)
            kept, size_bytes = [], 0
    if kept:
        yield _chunk(kept)


def _chunk(kept: list[tuple[int, bytes]]) -> Chunk:
    return Chunk(tuple(number for number, _ in kept), tuple(line for _, line in kept))


def simulate_chunk(chunk: Chunk, experiment: Experiment) -> Part:
    """Simulate every workload of a chunk; what is no workload becomes a fault.

    Args:
        chunk: The lines.
        experiment: What to simulate.

    Raises:
        MissingExtraError: The policy `optimal` needs OR-Tools, which is not installed.
    """
    reports: list[tuple[WorkloadReport, int]] = []
    faults: list[Fault] = []
    for number, line in zip(chunk.numbers, chunk.lines, strict=True):
        try:
            workload = parse_workload(line)
        except WorkloadError as error:
            faults.append(Fault(number, error.message))
        else:
            reports.append(report_workload(workload, experiment))
    return Part(tuple(reports), tuple(faults), chunk.size_bytes)


def simulate_chunks(
    chunks: Iterable[Chunk],
    experiment: Experiment,
    executor: Executor | None = None,
    ahead: int = 4,
) -> Iterator[Part]:
    """Simulate chunk after chunk; the parts come in the order of the chunks.

    Args:
        chunks: Read only as far as work is handed out, so memory does not grow with the file.
        experiment: What to simulate.
        executor: Where to; without one, here.
        ahead: How many chunks are handed out at most at a time: twice the workers keeps all busy.

    Raises:
        MissingExtraError: The policy `optimal` needs OR-Tools, which is not installed.
    """
    if executor is None:
        for chunk in chunks:
            yield simulate_chunk(chunk, experiment)
        return
    waiting: deque[Future[Part]] = deque()
    try:
        for chunk in chunks:
            waiting.append(executor.submit(simulate_chunk, chunk, experiment))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def add_part(tally: Tally, part: Part) -> None:
    """Take a part into a tally."""
    for report, sync_us in part.reports:
        tally.add(report, sync_us)
