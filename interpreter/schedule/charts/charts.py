"""Charts as plain data: what is to be seen, without a word on how it is drawn.

`html.py` makes pages of them, `images.py` pictures, and `perfetto.py` writes
timelines for a trace viewer.
"""

from typing import Final, Literal, TypeVar

import msgspec

from cml.terminal.foreign import visible_lines

BarKind = Literal[
    "reading",
    "writing",
    "round",
    "trap",
    "waiting",
    "request",
    "delivering",
    "answer",
    "text",
    "queued",
    "running",
    "failed",
    "returned",
    "said",
]
"""What a bar shows. The first nine are the model's, `said` a person's, the others those of a call."""


class BarStyle(msgspec.Struct, frozen=True):
    """How bars of one kind look.

    Args:
        colour: Fill, as `#rrggbb`; told apart by people who see few colours, too.
        meaning: What the legend says.
        thin: Whether the bar is lower than the others: nobody is at work there.
        dark: Fill on a dark page, where `colour` would hardly be seen or shine too much.
    """

    colour: str
    meaning: str
    thin: bool = False
    dark: str = ""


BAR_STYLES: Final[dict[BarKind, BarStyle]] = {
    "reading": BarStyle("#c9a0c4", "model is asked, until its first words", dark="#8a6487"),
    "writing": BarStyle("#2f6db5", "model writes a call", dark="#4a8ad6"),
    "round": BarStyle("#7fb2e5", "opening of a round"),
    "trap": BarStyle("#d1495b", "trap"),
    "waiting": BarStyle("#d5d8dd", "model waits", thin=True, dark="#565d68"),
    "request": BarStyle("#e9a23b", "request to the model"),
    "delivering": BarStyle("#8d6a9f", "interrupts go in"),
    "answer": BarStyle("#24405f", "answer", dark="#c3d4ea"),
    "text": BarStyle("#8fa6bf", "model writes text or a trap"),
    "running": BarStyle("#3f9b74", "call runs"),
    "failed": BarStyle("#a8324a", "call runs and fails", dark="#c9506a"),
    "queued": BarStyle("#f2cf94", "call waits to start", thin=True, dark="#a58144"),
    "returned": BarStyle("#b5dcc8", "result waits for the model", thin=True, dark="#5c8a74"),
    "said": BarStyle("#e07b39", "what a person says waits for the model"),
}


class TimeUnit(msgspec.Struct, frozen=True):
    """The unit of every time on one chart.

    Args:
        name: As it stands behind a figure.
        scale: How much of it a microsecond is.
        digits: How many stand behind the point.
    """

    name: str
    scale: float
    digits: int

    def number(self, time_us: int) -> str:
        """Return a time without its unit."""
        return f"{time_us * self.scale:,.{self.digits}f}"

    def text(self, time_us: int) -> str:
        """Return a time with its unit."""
        return f"{self.number(time_us)} {self.name}"


MILLISECONDS: Final = TimeUnit("ms", 1e-3, 1)
SECONDS: Final = TimeUnit("s", 1e-6, 3)


def time_unit(longest_us: int) -> TimeUnit:
    """Return the unit for a chart whose longest time is given, in microseconds."""
    return SECONDS if longest_us >= 10_000_000 else MILLISECONDS


class Bar(msgspec.Struct, frozen=True):
    """Something that took time, in one row of a timeline.

    Args:
        row: Position of its row, from 0 at the top.
        kind: What it was.
        start_us: When it began, in microseconds.
        end_us: When it ended.
        text: What a reader who points at it is told, one line an item.
    """

    row: int
    kind: BarKind
    start_us: int
    end_us: int
    text: tuple[str, ...]


class TimelinePanel(msgspec.Struct, frozen=True):
    """One run: a row for the model, then one for each call.

    Args:
        title: What it shows.
        rows: Name of each row, from the top.
        bars: In any order.
        total_us: Where the run ends.
    """

    title: str
    rows: tuple[str, ...]
    bars: tuple[Bar, ...]
    total_us: int


class Timelines(msgspec.Struct, frozen=True):
    """Runs one above the other under one time axis.

    Args:
        title: What they show.
        panels: At least one.
        answer: What came of it, in words, if anything; on pages only.
    """

    title: str
    panels: tuple[TimelinePanel, ...]
    answer: str = ""


class Curve(msgspec.Struct, frozen=True):
    """Points joined by a line.

    Args:
        name: What the legend says.
        xs: Where the points are, ascending.
        ys: How high they are.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


class Curves(msgspec.Struct, frozen=True):
    """Curves over one axis.

    Args:
        title: What they show.
        x_label: Name and unit of the horizontal axis.
        y_label: Name and unit of the vertical axis.
        curves: At least one.
        logarithmic: Whether both axes are logarithmic.
        marks: Vertical lines: where, and what they mean.
        names: Where not empty, the xs are 0, 1, … and these are what they stand for.
    """

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    logarithmic: bool = False
    marks: tuple[tuple[float, str], ...] = ()
    names: tuple[str, ...] = ()


class Columns(msgspec.Struct, frozen=True):
    """Groups of upright bars, for figures that are to be compared.

    Args:
        title: What they show.
        y_label: Name and unit of the vertical axis.
        groups: Name of each group.
        series: Name and heights of each series, one height a group; None where there is none.
    """

    title: str
    y_label: str
    groups: tuple[str, ...]
    series: tuple[tuple[str, tuple[float | None, ...]], ...]


Chart = Timelines | Curves | Columns
_C = TypeVar("_C", Timelines, Curves, Columns)


def as_seen(chart: _C) -> _C:
    """Return a chart whose texts, which are other people's, hide nothing and turn nothing round."""
    return msgspec.convert(_seen(msgspec.to_builtins(chart)), type(chart))


def _seen(part: object) -> object:
    match part:
        case str():
            return visible_lines(part)
        case dict():
            return {key: _seen(value) for key, value in part.items()}
        case list() | tuple():
            return [*map(_seen, part)]
        case _:
            return part


PALETTE: Final = (
    "#2f6db5",
    "#e07b39",
    "#3f9b74",
    "#a8324a",
    "#8d6a9f",
    "#7c6a3f",
    "#4bb3c4",
    "#5a6675",
)
"""Colours of curves and columns, in turn."""
