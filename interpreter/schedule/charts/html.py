"""Charts as HTML with drawings in SVG, wide as the page is: bars are placed by percent, so text
keeps its size on a phone. Each mark has a title, each chart a table that says the same.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, assert_never

from cml.terminal.foreign import html_text
from cml.wording import counted
from interpreter.schedule.charts.axes import Scale, round_numbers
from interpreter.schedule.charts.charts import (
    BAR_STYLES,
    PALETTE,
    Bar,
    BarKind,
    Chart,
    Columns,
    Curves,
    Timelines,
    TimeUnit,
    as_seen,
    time_unit,
)
from interpreter.schedule.charts.page import page, table

_ROW_PIXELS: Final = 20
_COLUMN_PIXELS: Final = 16
_CURVE_PIXELS: Final = 340
_MARKED: Final = 24
"""Curves of more points are lines without marks."""


def chart_page(chart: Chart) -> str:
    """Return one chart as a page of its own."""
    return page(chart.title, figure(chart, "chart"), bar_rules())


def bar_rules() -> str:
    """Return the colours of the bars of timelines, as rules of style."""
    light = "".join(_rule(kind, one.colour) for kind, one in BAR_STYLES.items())
    dark = "".join(_rule(kind, one.dark or one.colour) for kind, one in BAR_STYLES.items())
    return f"{light}@media screen and (prefers-color-scheme:dark){{{dark}}}\n"


def _rule(kind: BarKind, colour: str) -> str:
    return f".{kind}{{fill:{colour};background:{colour}}}"


def figure(chart: Chart, name: str) -> str:
    """Return one chart as a piece of a page.

    Args:
        chart: What to draw.
        name: Identifier of its element, unique on the page.
    """
    match chart:
        case Timelines():
            parts = _timelines(as_seen(chart))
        case Curves():
            parts = _curves(as_seen(chart))
        case Columns():
            parts = _columns(as_seen(chart))
        case _:
            assert_never(chart)
    title = html_text(chart.title)
    body = "\n".join(parts)
    return f'<figure id="{escape(name)}">\n<figcaption>{title}</figcaption>\n{body}\n<output></output></figure>'


def _legend(entries: list[tuple[str, str]]) -> str:
    items = "".join(f"<li><i {look}></i>{escape(meaning)}</li>" for look, meaning in entries)
    return f'<ul class="legend">{items}</ul>'


def _swatch(colour: str) -> str:
    return f'style="background:{colour}"'


def _row(names: str, drawing: str) -> str:
    return f'<div class="row"><div>{names}</div>{drawing}</div>'


def _name(name: str) -> str:
    return f'<div class="name" title="{escape(name)}">{escape(name)}</div>'


def _drawing(kind: str, height: int, inside: str, label: str = "") -> str:
    named = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="{kind}" height="{height}" {named}>{inside}</svg>'


def _alternative(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return f"<details><summary>{escape(title)}</summary>{table(header, rows)}</details>"


def _timelines(chart: Timelines) -> Iterator[str]:
    total_us = max(panel.total_us for panel in chart.panels)
    unit = time_unit(total_us)
    most = max(1e-9, total_us * unit.scale)
    ticks = round_numbers(most)
    shown = {bar.kind for panel in chart.panels for bar in panel.bars}
    yield _legend(
        [(f'class="{kind}"', style.meaning) for kind, style in BAR_STYLES.items() if kind in shown]
    )
    grid = "".join(_vertical("grid", tick / most) for tick in ticks)
    for panel in chart.panels:
        bars = "".join(_bar(bar, unit, most) for bar in sorted(panel.bars, key=_by_row))
        end = _vertical("end", panel.total_us * unit.scale / most)
        label = f"{panel.title}; {counted(len(panel.bars), 'bar')}, listed in the table below"
        drawing = _drawing("track", _ROW_PIXELS * len(panel.rows), grid + bars + end, label)
        yield f"<h4>{escape(panel.title)}</h4>"
        yield _row("\n".join(_name(name) for name in panel.rows), drawing)
    labels = _x_labels([(tick / most, _number(tick)) for tick in ticks])
    yield _row(_name(f"time ({unit.name})"), labels)
    if chart.answer:
        yield f'<blockquote title="What the model answered">{escape(chart.answer)}</blockquote>'
    for panel in chart.panels:
        rows = [
            (
                panel.rows[bar.row],
                BAR_STYLES[bar.kind].meaning,
                unit.number(bar.start_us),
                unit.number(bar.end_us),
            )
            for bar in sorted(panel.bars, key=_by_row)
        ]
        header = ("row", "what", f"from ({unit.name})", f"to ({unit.name})")
        yield _alternative(f"{panel.title}, as a table", header, rows)


def _by_row(bar: Bar) -> tuple[int, int]:
    return (bar.row, bar.start_us)


def _bar(bar: Bar, unit: TimeUnit, most: float) -> str:
    style = BAR_STYLES[bar.kind]
    top, height = (7, 6) if style.thin else (2, 16)
    lines = [f"{style.meaning}: {unit.text(bar.start_us)} to {unit.text(bar.end_us)}"]
    if bar.text:
        # The whole life of a call is told at the bar of its run.
        lines = [bar.text[0], *lines, *(() if style.thin else bar.text[1:])]
    title = escape("\n".join(lines))
    start, end = (at_us * unit.scale / most for at_us in (bar.start_us, bar.end_us))
    return (
        f'<rect class="mark {bar.kind}" x="{_percent(start)}" y="{_ROW_PIXELS * bar.row + top}"'
        f' width="{_percent(end - start)}" height="{height}"><title>{title}</title></rect>'
    )


def _vertical(kind: str, share: float) -> str:
    at = _percent(share)
    return f'<line class="{kind}" x1="{at}" x2="{at}" y1="0" y2="100%"/>'


def _x_labels(labels: list[tuple[float, str]]) -> str:
    texts = "".join(
        f'<text x="{_percent(share)}" y="14" text-anchor="{_anchor(share)}">{escape(text)}</text>'
        for share, text in labels
    )
    return _drawing("axis", _ROW_PIXELS, texts)


def _anchor(share: float) -> str:
    if share < 0.02:
        return "start"
    return "end" if share > 0.97 else "middle"


def _percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


def _number(value: float) -> str:
    return f"{value:,.6g}"


def _curves(chart: Curves) -> Iterator[str]:
    xs = [x for curve in chart.curves for x in curve.xs]
    ys = [y for curve in chart.curves for y in curve.ys]
    across = Scale(xs, logarithmic=chart.logarithmic, from_zero=False)
    up = Scale(ys, logarithmic=chart.logarithmic, from_zero=not chart.logarithmic)
    named = [(across.share(place), name) for place, name in enumerate(chart.names)]
    labels = named or [(across.share(tick), _number(tick)) for tick in across.ticks]
    yield _legend(
        [(_swatch(_colour(place)), curve.name) for place, curve in enumerate(chart.curves)]
    )
    heights = [(1 - up.share(tick), _number(tick)) for tick in up.ticks]
    y_labels = "".join(
        f'<text x="100%" y="{_percent(at)}" dy="4" text-anchor="end">{escape(text)}</text>'
        for at, text in heights
    )
    grid = "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{_percent(at)}" y2="{_percent(at)}"/>'
        for at, _ in heights
    )
    drawn = "".join(_curve(place, chart, across, up) for place in range(len(chart.curves)))
    marks = "".join(
        f'{_vertical("end", across.share(at))}<text x="{_percent(across.share(at))}" y="12" dx="-4"'
        f' text-anchor="end">{escape(meaning)}</text>'
        for at, meaning in chart.marks
    )
    plot = _drawing("plot", _CURVE_PIXELS, grid + marks + drawn, chart.title)
    yield f"<div>{escape(chart.y_label)}</div>"
    yield _row(_drawing("axis", _CURVE_PIXELS, y_labels), plot)
    yield _row("", _x_labels(labels))
    yield f'<div class="across">{escape(chart.x_label)}</div>'
    rows = [
        (curve.name, _x_name(chart, x), _number(y))
        for curve in chart.curves
        for x, y in zip(curve.xs, curve.ys, strict=True)
    ]
    yield _alternative("The same as a table", ("curve", chart.x_label, chart.y_label), rows)


def _x_name(chart: Curves, x: float) -> str:
    return chart.names[int(x)] if chart.names else _number(x)


def _curve(place: int, chart: Curves, across: Scale, up: Scale) -> str:
    curve, colour = chart.curves[place], _colour(place)
    spots = [(across.share(x), 1 - up.share(y)) for x, y in zip(curve.xs, curve.ys, strict=True)]
    points = " ".join(f"{1000 * x:.1f},{1000 * y:.1f}" for x, y in spots)
    line = (
        '<svg width="100%" height="100%" viewBox="0 0 1000 1000" preserveAspectRatio="none">'
        f'<polyline class="line" stroke="{colour}" points="{points}"/></svg>'
    )
    if len(spots) > _MARKED:
        return line
    titles = (
        f"{curve.name}: {_number(y)} at {_x_name(chart, x)}"
        for x, y in zip(curve.xs, curve.ys, strict=True)
    )
    return line + "".join(
        f'<circle class="mark" cx="{_percent(x)}" cy="{_percent(y)}" r="4.5" fill="{colour}">'
        f"<title>{escape(title)}</title></circle>"
        for (x, y), title in zip(spots, titles, strict=True)
    )


def _columns(chart: Columns) -> Iterator[str]:
    """Draw the columns lying, a block for each group: that stays readable however many there are."""
    heights = [height for _, series in chart.series for height in series if height is not None]
    most = max(*heights, 1e-9) / 0.9  # room for the figure behind the longest
    yield _legend([(_swatch(_colour(place)), name) for place, (name, _) in enumerate(chart.series)])
    yield f"<div>{escape(chart.y_label)}</div>"
    for number, group in enumerate(chart.groups):
        drawn = "".join(
            _column(place, name, series[number], most)
            for place, (name, series) in enumerate(chart.series)
        )
        pixels = _COLUMN_PIXELS * len(chart.series) + 8
        name = group.replace("\n", " ")
        yield _row(escape(name), _drawing("track", pixels, drawn, f"{name}: see the table"))
    rows = [
        (group.replace("\n", " "), name, "" if series[number] is None else f"{series[number]:.2f}")
        for number, group in enumerate(chart.groups)
        for name, series in chart.series
    ]
    yield _alternative("The same as a table", ("group", "series", chart.y_label), rows)


def _column(place: int, name: str, height: float | None, most: float) -> str:
    if height is None:
        return ""
    top, width = _COLUMN_PIXELS * place + 2, _percent(height / most)
    return (
        f'<rect class="mark" y="{top}" width="{width}" height="{_COLUMN_PIXELS - 2}"'
        f' fill="{_colour(place)}"><title>{escape(name)}: {height:.2f}</title></rect>'
        f'<text x="{width}" y="{top + 11}" dx="4">{height:.1f}</text>'
    )


def _colour(place: int) -> str:
    return PALETTE[place % len(PALETTE)]
