"""Charts as SVG and PNG, by matplotlib: pictures for papers and slides, alike on every machine
because their text is drawn as paths. Only `draw.py` imports this.
"""

import warnings
from io import BytesIO
from typing import Final, assert_never

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from interpreter.schedule.charts.charts import (
    BAR_STYLES,
    PALETTE,
    BarKind,
    Chart,
    Columns,
    Curves,
    TimelinePanel,
    Timelines,
    as_seen,
    time_unit,
)

_WIDTH_INCHES: Final = 11.0
_ROW_INCHES: Final = 0.24
_PANEL_INCHES: Final = 0.62
_LONGEST_NAME: Final = 34
_DECADE: Final = 10
_INK, _PALE = "#2b2f36", "#e6e8ec"


def image(chart: Chart, file_format: str) -> bytes:
    """Return a chart as `svg` or `png`."""
    with (
        rc_context(
            {
                # Names from outside are text: neither formulas nor markup.
                "text.parse_math": False,
                "svg.hashsalt": "cml",
                "svg.fonttype": "path",
                "font.family": "sans-serif",
                "font.size": 9.5,
                "text.color": _INK,
                "axes.edgecolor": _PALE,
                "axes.labelcolor": _INK,
                "xtick.color": _INK,
                "ytick.color": _INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
            }
        ),
        warnings.catch_warnings(),
    ):
        # A name may hold a letter that the font lacks: a box stands there, which says enough.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = _figure(chart)
        file = BytesIO()
        metadata = {"Date": None} if file_format == "svg" else {"Software": None}
        figure.savefig(file, format=file_format, dpi=150, metadata=metadata)
        return file.getvalue()


def _figure(chart: Chart) -> Figure:
    match chart:
        case Timelines():
            return _draw_timelines(as_seen(chart))
        case Curves():
            return _draw_curves(as_seen(chart))
        case Columns():
            return _draw_columns(as_seen(chart))
        case _:
            assert_never(chart)


def _new_figure(height_inches: float) -> Figure:
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _draw_timelines(chart: Timelines) -> Figure:
    heights = [len(panel.rows) * _ROW_INCHES + _PANEL_INCHES for panel in chart.panels]
    figure = _new_figure(sum(heights) + 1.1)
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    unit = time_unit(max(panel.total_us for panel in chart.panels))
    for axis, panel in zip(axes[:, 0], chart.panels, strict=True):
        _draw_panel(axis, panel, unit.scale)
    last = axes[-1, 0]
    last.set_xlabel(f"time ({unit.name})")
    last.xaxis.set_major_formatter(_plain_number)
    last.set_xlim(0, max(1, *(panel.total_us for panel in chart.panels)) * unit.scale * 1.01)
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    shown = {bar.kind for panel in chart.panels for bar in panel.bars}
    patches = [
        Patch(color=look.colour, label=look.meaning)
        for kind, look in BAR_STYLES.items()
        if kind in shown
    ]
    figure.legend(
        handles=patches, loc="outside lower left", ncols=min(5, len(patches)), frameon=False
    )
    return figure


def _draw_panel(axis: Axes, panel: TimelinePanel, scale: float) -> None:
    axis.set_title(_shorten(panel.title, 110), loc="left", fontsize=10.5, pad=5)
    axis.set_yticks(range(len(panel.rows)), [_shorten(row, _LONGEST_NAME) for row in panel.rows])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(panel.rows) - 0.4, -0.6)
    axis.grid(visible=True, axis="x", color=_PALE, linewidth=0.8)
    axis.set_axisbelow(True)
    by_place: dict[tuple[int, BarKind], list[tuple[float, float]]] = {}
    for bar in panel.bars:
        length = (bar.end_us - bar.start_us) * scale
        by_place.setdefault((bar.row, bar.kind), []).append((bar.start_us * scale, length))
    for (row, kind), ranges in by_place.items():
        height = 0.26 if BAR_STYLES[kind].thin else 0.72
        axis.broken_barh(
            ranges,
            (row - height / 2, height),
            facecolors=BAR_STYLES[kind].colour,
            edgecolor="white",
            linewidth=0.5,
        )
    axis.axvline(panel.total_us * scale, color=_INK, linewidth=1, linestyle=(0, (3, 2)))


def _draw_curves(chart: Curves) -> Figure:
    figure = _new_figure(5.2)
    axis = figure.subplots()
    for position, curve in enumerate(chart.curves):
        colour = PALETTE[position % len(PALETTE)]
        marker = "o" if len(curve.xs) <= 24 else None
        # A mark on the edge is drawn whole.
        axis.plot(
            curve.xs,
            curve.ys,
            color=colour,
            linewidth=2,
            marker=marker,
            ms=5,
            label=curve.name,
            clip_on=False,
        )
    for at, meaning in chart.marks:
        axis.axvline(at, color=_INK, linewidth=1, linestyle=(0, (3, 2)))
        axis.annotate(
            meaning, (at, 0.02), xycoords=("data", "axes fraction"), rotation=90, fontsize=8.5,
            ha="right", va="bottom",
        )  # fmt: skip
    if chart.names:
        axis.set_xticks(range(len(chart.names)), chart.names)
    if chart.logarithmic:
        axis.set_xscale("log")
        axis.set_yscale("log")
        heights = [height for curve in chart.curves for height in curve.ys]
        narrow = max(heights) < _DECADE * min(heights)
        for one, labelled in ((axis.xaxis, False), (axis.yaxis, narrow)):
            one.set_major_formatter(_plain_number)
            one.set_minor_formatter(_plain_number if labelled else NullFormatter())
    else:
        axis.yaxis.set_major_formatter(_plain_number)
        if not chart.names:
            axis.xaxis.set_major_formatter(_plain_number)
        axis.set_ylim(
            0, 1.05 * max(1e-9, *(height for curve in chart.curves for height in curve.ys))
        )
    _finish(figure, axis, chart.title, chart.x_label, chart.y_label)
    return figure


def _plain_number(value: float, _: float = 0.0) -> str:
    return f"{value:,.10g}"


def _draw_columns(chart: Columns) -> Figure:
    figure = _new_figure(5.6)
    axis = figure.subplots()
    width = 0.88 / len(chart.series)
    for position, (name, heights) in enumerate(chart.series):
        places = [group - 0.44 + width * (position + 0.5) for group in range(len(heights))]
        drawn = axis.bar(
            places,
            [0.0 if height is None else height for height in heights],
            width * 0.92,
            color=PALETTE[position % len(PALETTE)],
            label=name,
        )
        labels = ["" if height is None else f"{height:.1f}" for height in heights]
        axis.bar_label(drawn, labels=labels, padding=2, fontsize=7.2)
    axis.set_xticks(range(len(chart.groups)), chart.groups, fontsize=8.5)
    axis.set_xlim(-0.6, len(chart.groups) - 0.4)
    axis.tick_params(axis="x", length=0)
    _finish(figure, axis, chart.title, "", chart.y_label)
    return figure


def _finish(figure: Figure, axis: Axes, title: str, x_label: str, y_label: str) -> None:
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.grid(visible=True, axis="y", color=_PALE, linewidth=0.8)
    axis.set_axisbelow(True)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.legend(loc="outside lower left", ncols=4, frameon=False)


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
