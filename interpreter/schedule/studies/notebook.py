"""How a run and a simulation show themselves in a notebook: the page of `cml timeline`, and a table.

Each is a page of its own in a frame, so that its style and the notebook's leave each other alone.
"""

from html import escape
from typing import Final

from interpreter.runs import Run
from interpreter.schedule.charts.html import chart_page
from interpreter.schedule.charts.page import page, table
from interpreter.schedule.narration.timelines import recorded_timelines
from interpreter.schedule.studies.report import PolicySummary, SimulationReport

_HEADER: Final = ("model", "policy", "mean makespan", "against Sync", "mean gap", "95% gap")
_ROW_PIXELS: Final = 34
_REST_PIXELS: Final = 230


def as_html(shown: Run | SimulationReport) -> str:
    """Return a run or the report of a simulation as a piece of HTML, as notebooks show it.

    Args:
        shown: A run is drawn over time; of a simulation the summary is told.
    """
    match shown:
        case Run():
            return _framed(
                chart_page(recorded_timelines(shown, f"A run: {shown.ending}")),
                len(shown.calls) + 1,
            )
        case SimulationReport():
            return _framed(_report_page(shown), len(shown.summary) + 1)


def _report_page(report: SimulationReport) -> str:
    count = len(report.workloads)
    title = f"{count} workload{'' if count == 1 else 's'}"
    body = f"<h3>{title}</h3>" + table(_HEADER, [_row(line) for line in report.summary])
    return page(title, body)


def _row(line: PolicySummary) -> tuple[str, ...]:
    return (
        line.model,
        line.policy,
        f"{line.mean_makespan_us / 1_000:,.1f} ms",
        f"{line.speedup_vs_sync:.2f}x",
        f"{line.mean_gap:.1%}",
        f"{line.p95_gap:.1%}",
    )


def _framed(whole: str, rows: int) -> str:
    height = _REST_PIXELS + _ROW_PIXELS * rows
    return (
        f'<iframe srcdoc="{escape(whole)}" style="width:100%;height:{height}px;border:0"></iframe>'
    )
