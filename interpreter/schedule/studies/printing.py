"""What `cml simulate` prints: a table, or one JSON document written while the runs come in."""

import shutil
import sys
from tempfile import TemporaryFile
from typing import Final

import msgspec
from rich.table import Table

from cml.terminal.foreign import json_text
from cml.terminal.output import print_text
from cml.terminal.styled import console, print_table
from cml.wording import counted
from interpreter.schedule.costs import Costs
from interpreter.schedule.models.timing import WAITING_MODELS
from interpreter.schedule.studies.corpus import Part
from interpreter.schedule.studies.report import PolicySummary, Tally
from interpreter.schedule.studies.sweep import SweepPoint, summary_lines
from interpreter.schedule.workload import Fault

_GAP: Final = "gap: how far above the lower bound of the same model, which no order beats"


class Output:
    """Collects what is to be printed, on disk rather than in memory.

    Nothing is printed before the last line was read, so an error leaves standard output empty.

    Attributes:
        faults: Lines that hold no workload.
    """

    def __init__(self, source: str, costs: Costs, *, as_json: bool) -> None:
        self.faults = list[Fault]()
        self._source = source
        self._costs = costs
        self._file = TemporaryFile() if as_json else None  # noqa: SIM115 (closed with `close`)
        self._written = 0

    def close(self) -> None:
        """Let the temporary file go."""
        if self._file is not None:
            self._file.close()

    def take(self, part: Part) -> None:
        """Keep the runs of a part and report its faults."""
        for fault in part.faults:
            print_text(f"Error: {self._source}: line {fault.line}: {fault.message}", err=True)
        self.faults += part.faults
        if self._file is not None:
            for report, _ in part.reports:
                self._file.write(b"," if self._written else b"")
                self._file.write(_encoded(report))
                self._written += 1

    def print_report(self, tally: Tally) -> None:
        """Print the runs of one simulation."""
        self._say_if_empty(tally.count)
        if self._file is None:
            if tally.count:
                _print_summary(tally.summary(), counted(tally.count, "workload"))
            return
        _write(b'{"costs":' + _encoded(self._costs) + b',"workloads":[')
        self._file.seek(0)
        shutil.copyfileobj(self._file, sys.stdout.buffer)
        _write(b'],"summary":' + _encoded(tally.summary()))
        self._finish()

    def print_sweep(self, points: list[SweepPoint]) -> None:
        """Print a sweep."""
        count = len(points[0].summary)
        self._say_if_empty(count)
        if self._file is None:
            if count:
                _print_points(points, counted(len(points), "point"))
            return
        listed = [{**dict(point.settings), "summary": point.summary} for point in points]
        _write(b'{"costs":' + _encoded(self._costs))
        _write(b',"what_if":' + _encoded(listed))
        self._finish()

    def _say_if_empty(self, count: int) -> None:
        if not count:
            print_text(f"{self._source}: there is no workload in it", err=True)

    def _finish(self) -> None:
        if self.faults:
            _write(b',"faults":' + _encoded(self.faults))
        _write(b"}\n")
        sys.stdout.flush()


def _write(text: bytes) -> None:
    sys.stdout.buffer.write(text)


def _encoded(value: object) -> bytes:
    return json_text(msgspec.json.encode(value)).encode()


def _print_summary(summary: tuple[PolicySummary, ...], title: str) -> None:
    table = Table(title=title, caption=_GAP)
    for column in ("model", "policy"):
        table.add_column(column)
    for column in ("mean makespan", "vs Sync", "mean gap", "95% gap"):
        table.add_column(column, justify="right")
    shown = set[str]()
    for line in summary:
        waits = line.model in WAITING_MODELS
        if waits and line.model in shown:
            continue
        shown.add(line.model)
        table.add_row(
            line.model,
            "—" if waits else line.policy,
            f"{line.mean_makespan_us / 1000:,.1f} ms",
            f"{line.speedup_vs_sync:.2f}x",
            f"{100 * line.mean_gap:.2f}%",
            f"{100 * line.p95_gap:.2f}%",
        )
    print_table(console(), table)


def _print_points(points: list[SweepPoint], title: str) -> None:
    """Print a row for each point, a column for each model and policy."""
    table = Table(title=title, caption="mean makespan, and how many times faster than Sync")
    for parameter, _ in points[0].settings:
        table.add_column(parameter, justify="right")
    for name in summary_lines(points[0]):
        table.add_column(name, justify="right")
    for point in points:
        cells = [
            f"{line.mean_makespan_us / 1000:,.1f} ms\n{line.speedup_vs_sync:.2f}x"
            for line in summary_lines(point).values()
        ]
        table.add_row(*(f"{value:g}" for _, value in point.settings), *cells)
    print_table(console(), table)
