"""Charts into files: HTML as it is, SVG and PNG by matplotlib (extra `plot`)."""

from pathlib import Path
from typing import Final

from interpreter.errors import missing_extra
from interpreter.schedule.charts.charts import Chart, Timelines
from interpreter.schedule.charts.html import chart_page
from interpreter.schedule.charts.perfetto import encode_perfetto

PLOT_SUFFIXES: Final = (".html", ".svg", ".png")
TIMELINE_SUFFIXES: Final = (*PLOT_SUFFIXES, ".json")
MAX_ROWS: Final = 1_000
"""A picture has at most so many rows; a trace viewer shows more."""


class DrawingError(ValueError):
    """A chart that cannot be drawn so; the message says what can be done."""


def draw(path: Path, chart: Chart) -> None:
    """Draw a chart; the suffix decides the format.

    Args:
        path: Where to: .html, .svg, .png, or for timelines .json (Chrome trace events).
        chart: What to draw.

    Raises:
        MissingExtraError: matplotlib is not installed, and the file is .svg or .png.
        DrawingError: There is no such format for this chart, or it has too many rows.
        OSError: The file cannot be written.
    """
    if path.suffix != ".json":
        _check_rows(chart)
    match path.suffix:
        case ".html":
            path.write_text(chart_page(chart), encoding="utf-8")
        case ".svg" | ".png":
            path.write_bytes(draw_image(chart, path.suffix.removeprefix(".")))
        case ".json" if isinstance(chart, Timelines):
            path.write_bytes(encode_perfetto(chart))
        case _:
            raise DrawingError(f"{path.name!r} should end in one of {', '.join(PLOT_SUFFIXES)}")


def _check_rows(chart: Chart) -> None:
    if isinstance(chart, Timelines):
        rows = sum(len(panel.rows) for panel in chart.panels)
        if rows > MAX_ROWS:
            raise DrawingError(
                f"{rows:,} rows are too many for a picture, which has at most {MAX_ROWS:,}; draw"
                " fewer models or a smaller workload, or a timeline as .perfetto.json"
            )


def draw_image(chart: Chart, file_format: str) -> bytes:
    """Return a chart as an image; the same chart gives the same bytes.

    Args:
        chart: What to draw.
        file_format: `svg` or `png`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from interpreter.schedule.charts import images
    except ImportError as error:
        raise missing_extra("plot", error) from None
    return images.image(chart, file_format)
