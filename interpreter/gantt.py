"""A run as bars over time, for a terminal."""

from collections.abc import Iterable
from typing import Final

from rich.table import Table
from rich.text import Text

from interpreter.summary import CallSpan, Summary

_BESIDE: Final = 34  # columns for the names on the left and the times on the right


def gantt(summary: Summary, columns: int) -> Table:
    """Return the bars of a run: the model's decoding, then each call.

    Args:
        summary: The run.
        columns: How wide the terminal is.
    """
    width = max(20, columns - _BESIDE)
    scale = width / max(1, summary.total_us)
    table = Table(box=None, pad_edge=False, show_header=False, expand=False)
    for justify in ("right", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    decoding = [("█", "cyan", begin, end) for begin, end in summary.decoding]
    table.add_row("decoding", _bar(decoding, scale, width), _milliseconds(summary.decode_us))
    for call in summary.calls:
        table.add_row(call.call, _bar(_parts(call, summary.total_us), scale, width), _label(call))
    table.add_row("", _axis(summary.total_us, width), "")
    return table


def _parts(call: CallSpan, total_us: int) -> Iterable[tuple[str, str, int, int]]:
    returned = total_us if call.return_us is None else call.return_us
    delivered = returned if call.deliver_us is None else call.deliver_us
    yield "▒", "cyan", call.open_us, call.start_us
    yield "█", "green" if call.outcome == "returned" else "red", call.start_us, returned
    yield "·", "yellow", returned, delivered


def _bar(parts: Iterable[tuple[str, str, int, int]], scale: float, width: int) -> Text:
    cells: list[tuple[str, str]] = [(" ", "")] * width
    for character, style, begin_us, end_us in parts:
        first = min(width - 1, int(begin_us * scale))
        last = min(width, max(first + 1, round(end_us * scale)))
        if end_us > begin_us:
            cells[first:last] = [(character, style)] * (last - first)
    return Text.assemble(*cells)


def _axis(total_us: int, width: int) -> Text:
    end = _milliseconds(total_us)
    return Text("0" + "─" * (width - len(end) - 1) + end, style="dim")


def _label(call: CallSpan) -> str:
    return f"{call.function} {_milliseconds(call.execute_us)}"


def _milliseconds(duration_us: int) -> str:
    return f"{duration_us / 1_000:,.0f} ms"
