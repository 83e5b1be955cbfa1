"""A run as bars over time, for a terminal."""

from collections.abc import Iterable, Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.text import Text

from cml.terminal.foreign import visible
from interpreter.runs import Run, RunCall

_NARROWEST: Final = 20
"""Columns of a bar below which its words go on a line of their own."""
_LONGEST_NAME: Final = 16
_LONGEST_FUNCTION: Final = 24
_MEANINGS: Final = {
    "╌": "until its first words",
    "█": "decodes, runs",
    "▒": "is written",
    "░": "waits to start",
    "·": "waits to be told",
}
"""What each sign of a bar says, in the order of a call's life."""


def gantt(run: Run, columns: int) -> Group:
    """Return the bars of a run: the model's decoding, then each call: written, waiting to start,
    running, waiting to be told.

    Names are shortened where they are long, durations never. Where the terminal is too narrow for
    names, bars and durations side by side, the bars go below their words.

    Args:
        run: The run.
        columns: How wide the terminal is.
    """
    rows = list(_rows(run))
    axis_label = _milliseconds(run.total_us)
    left = max(cell_len(name) for name, _, _ in rows)
    right = max(cell_len(words) for _, words, _ in rows)
    beside = columns - left - right - 4
    width = beside if beside >= _NARROWEST else max(columns - 1, len(axis_label) + 2)
    lines: list[Text] = []
    for name, words, parts in rows:
        bar = _bar(parts, width / max(1, run.total_us), width)
        if width == beside:
            lines.append(Text.assemble(_right(name, left), "  ", bar, "  ", _right(words, right)))
        else:
            lines += [Text(f"{name} {words}"), bar]
    axis = Text("0" + "─" * (width - len(axis_label) - 1) + axis_label, style="dim")
    lines.append(Text.assemble(" " * (left + 2), axis) if width == beside else axis)
    return Group(*lines, _legend(lines))


def _legend(lines: Iterable[Text]) -> Text:
    """Say what the signs mean that are seen."""
    seen = {sign for line in lines for sign in line.plain}
    said = (f"{sign} {meaning}" for sign, meaning in _MEANINGS.items() if sign in seen)
    return Text("   ".join(said), style="dim")


def _rows(run: Run) -> Iterator[tuple[str, str, list[tuple[str, str, int, int]]]]:
    """Yield the name, the words and the parts of each bar."""
    reading = [("╌", "cyan", begin, end) for begin, end in run.reading]
    decoding = [("█", "cyan", begin, end) for begin, end in run.decoding]
    yield "decoding", _milliseconds(run.decode_us), reading + decoding
    for call in run.calls:
        function = _shortened(visible(call.function), _LONGEST_FUNCTION)
        took = "running" if call.returned_us is None else _milliseconds(call.execute_us)
        words = f"{function} {took}"
        name = _shortened(visible(call.call), _LONGEST_NAME)
        yield name, words, list(_parts(call, run.total_us))


def _parts(call: RunCall, total_us: int) -> Iterable[tuple[str, str, int, int]]:
    written_us, started_us, returned_us, delivered_us = call.life(total_us)
    yield "▒", "cyan", call.opened_us, written_us
    yield "░", "dim", written_us, started_us
    yield "█", "green" if call.outcome == "returned" else "red", started_us, returned_us
    yield "·", "yellow", returned_us, delivered_us


def _bar(parts: Iterable[tuple[str, str, int, int]], scale: float, width: int) -> Text:
    cells: list[tuple[str, str]] = [(" ", "")] * width
    for character, style, begin_us, end_us in parts:
        first = min(width - 1, int(begin_us * scale))
        last = min(width, max(first + 1, round(end_us * scale)))
        if end_us > begin_us:
            cells[first:last] = [(character, style)] * (last - first)
    return Text.assemble(*cells)


def _right(text: str, cells: int) -> str:
    return " " * (cells - cell_len(text)) + text


def _shortened(text: str, cells: int) -> str:
    return text if cell_len(text) <= cells else set_cell_size(text, cells - 1) + "…"


def _milliseconds(duration_us: int) -> str:
    return f"{duration_us / 1_000:,.0f} ms"
