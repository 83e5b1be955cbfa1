"""Charts as one self-contained HTML page, by plotly. Only `draw.py` imports this."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, assert_never

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interpreter.schedule.charts import LOOKS, PALETTE, Bar, BarKind, Columns, Curves, Timelines

if TYPE_CHECKING:
    from interpreter.schedule.charts import Chart

_ROW_PIXELS: Final = 22
_PANEL_PIXELS: Final = 64
_FRAME_PIXELS: Final = 190
_INK, _PALE = "#2b2f36", "#e6e8ec"


def page(charts: tuple[Chart, ...], title: str) -> str:
    """Give a page of charts, plotly's own code included once.

    Args:
        charts: What to draw, from the top.
        title: Title of the page.
    """
    parts = [
        _figure(chart).to_html(
            full_html=False,
            include_plotlyjs=not position,
            div_id=f"chart{position}",
            config={"displaylogo": False, "responsive": True},
        )
        for position, chart in enumerate(charts)
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def figure_html(chart: Chart, name: str, *, with_library: bool) -> str:
    """Give one chart as a piece of a page.

    Args:
        chart: What to draw.
        name: Identifier of its element, unique on the page.
        with_library: Whether plotly's own code comes along: once a page, in the first chart.
    """
    html: str = _figure(chart).to_html(
        full_html=False, include_plotlyjs=with_library, div_id=name, config={"displaylogo": False}
    )
    return html


def _figure(chart: Chart) -> go.Figure:
    match chart:
        case Timelines():
            figure = _draw_timelines(chart)
        case Curves():
            figure = _draw_curves(chart)
        case Columns():
            figure = _draw_columns(chart)
        case _:
            assert_never(chart)
    figure.update_layout(
        title={"text": f"<b>{escape(chart.title)}</b>", "x": 0.01, "font": {"size": 18}},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13, "color": _INK},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
        margin={"l": 20, "r": 20, "t": 80, "b": 110},
    )
    return figure


def _draw_timelines(chart: Timelines) -> go.Figure:
    heights = [len(panel.rows) * _ROW_PIXELS + 8 for panel in chart.panels]
    inner = sum(heights) + _PANEL_PIXELS * (len(heights) - 1)
    figure = make_subplots(
        rows=len(heights),
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=0 if len(heights) == 1 else 0.9 * _PANEL_PIXELS / inner,
        subplot_titles=[escape(panel.title) for panel in chart.panels],
    )
    shown: set[BarKind] = set()
    for position, panel in enumerate(chart.panels, start=1):
        for kind, bars in _by_kind(panel.bars).items():
            figure.add_trace(_bars(kind, bars, legend=kind not in shown), row=position, col=1)
            shown.add(kind)
        figure.update_yaxes(
            tickvals=list(range(len(panel.rows))),
            ticktext=[escape(row[:40]) for row in panel.rows],
            range=[len(panel.rows) - 0.4, -0.6],
            showgrid=False,
            row=position,
            col=1,
        )
        figure.add_vline(panel.total_us / 1000, line_dash="dot", line_width=1, row=position, col=1)
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    figure.update_xaxes(title_text="time (ms)", row=len(heights), col=1)
    figure.update_xaxes(gridcolor=_PALE, rangemode="tozero")
    figure.update_layout(barmode="overlay", height=inner + _FRAME_PIXELS)
    figure.update_layout(hovermode="closest")
    return figure


def _by_kind(bars: tuple[Bar, ...]) -> dict[BarKind, list[Bar]]:
    grouped: dict[BarKind, list[Bar]] = {}
    for kind in LOOKS:
        chosen = [bar for bar in bars if bar.kind == kind]
        if chosen:
            grouped[kind] = chosen
    return grouped


def _bars(kind: BarKind, bars: list[Bar], *, legend: bool) -> go.Bar:
    look = LOOKS[kind]
    return go.Bar(
        orientation="h",
        name=look.meaning,
        legendgroup=kind,
        showlegend=legend,
        base=[bar.start_us / 1000 for bar in bars],
        x=[(bar.end_us - bar.start_us) / 1000 for bar in bars],
        y=[bar.row for bar in bars],
        width=0.3 if look.thin else 0.76,
        marker={"color": look.colour, "line": {"color": "white", "width": 0.5}},
        hovertext=[_hover(look.meaning, bar) for bar in bars],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _hover(meaning: str, bar: Bar) -> str:
    first = escape(bar.text[0]) if bar.text else escape(meaning)
    rest = [escape(line) for line in bar.text[1:]]
    span_ms = (bar.end_us - bar.start_us) / 1000
    times = f"{bar.start_us / 1000:,.1f} to {bar.end_us / 1000:,.1f} ms ({span_ms:,.1f} ms)"
    return "<br>".join([f"<b>{first}</b>", f"{meaning}: {times}", *rest])


def _draw_curves(chart: Curves) -> go.Figure:
    figure = go.Figure()
    for position, curve in enumerate(chart.curves):
        figure.add_scatter(
            x=curve.xs,
            y=curve.ys,
            name=escape(curve.name),
            mode="lines+markers" if len(curve.xs) <= 24 else "lines",
            line={"color": PALETTE[position % len(PALETTE)], "width": 2.5},
        )
    for at, meaning in chart.marks:
        figure.add_vline(at, line_dash="dot", annotation_text=escape(meaning))
    kind = "log" if chart.logarithmic else "linear"
    figure.update_xaxes(title_text=escape(chart.x_label), gridcolor=_PALE, type=kind)
    figure.update_yaxes(title_text=escape(chart.y_label), gridcolor=_PALE, type=kind)
    if chart.names:
        names = [escape(name) for name in chart.names]
        figure.update_xaxes(tickvals=list(range(len(names))), ticktext=names)
    if not chart.logarithmic:
        figure.update_yaxes(rangemode="tozero")
    figure.update_layout(height=520)
    return figure


def _draw_columns(chart: Columns) -> go.Figure:
    figure = go.Figure()
    for position, (name, heights) in enumerate(chart.series):
        figure.add_bar(
            x=[escape(group).replace("\n", "<br>") for group in chart.groups],
            y=heights,
            name=escape(name),
            marker_color=PALETTE[position % len(PALETTE)],
            text=["" if height is None else f"{height:.1f}" for height in heights],
            textposition="outside",
        )
    figure.update_yaxes(title_text=escape(chart.y_label), gridcolor=_PALE)
    figure.update_layout(barmode="group", height=560)
    return figure
