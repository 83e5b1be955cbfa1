"""A report as plain elements, written as Markdown and as one self-contained HTML page."""

from pathlib import Path

import msgspec

from cml.terminal.foreign import html_text, markdown_text
from interpreter.schedule.charts.charts import Chart
from interpreter.schedule.charts.draw import draw_image
from interpreter.schedule.charts.html import figure
from interpreter.schedule.charts.page import page, table


class Heading(msgspec.Struct, frozen=True):
    """A heading of level 1 to 3."""

    level: int
    text: str


class Paragraph(msgspec.Struct, frozen=True):
    """Running text."""

    text: str


class Items(msgspec.Struct, frozen=True):
    """A list of points."""

    items: tuple[str, ...]


class Grid(msgspec.Struct, frozen=True):
    """A table: its header, then rows of as many cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(msgspec.Struct, frozen=True):
    """A chart; `name` becomes the name of its file."""

    name: str
    chart: Chart


Element = Heading | Paragraph | Items | Grid | Picture


def write_document(folder: Path, name: str, elements: tuple[Element, ...]) -> tuple[Path, Path]:
    """Write a report: NAME.md with SVG pictures beside it, and NAME.html.

    Args:
        folder: Where to; made where it is not there.
        name: Name of the files.
        elements: The report; the first is its title.

    Returns:
        The two files.

    Raises:
        MissingExtraError: The extra `plot` is not installed.
        OSError: A file cannot be written.
    """
    page = _html(elements)
    pictures = {
        f"{element.name}.svg": draw_image(element.chart, "svg")
        for element in elements
        if isinstance(element, Picture)
    }
    folder.mkdir(parents=True, exist_ok=True)
    for file, image in pictures.items():
        (folder / file).write_bytes(image)
    markdown, html = folder / f"{name}.md", folder / f"{name}.html"
    markdown.write_text("\n\n".join(_markdown(element) for element in elements) + "\n", "utf-8")
    html.write_text(page, "utf-8")
    return markdown, html


def _markdown(element: Element) -> str:
    match element:
        case Heading(level, text):
            return f"{'#' * level} {markdown_text(text)}"
        case Paragraph(text):
            return text
        case Items(items):
            return "\n".join(f"- {item}" for item in items)
        case Grid(header, rows):
            lines = [header, ("---",) * len(header), *rows]
            return "\n".join(
                "| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines
            )
        case Picture(name, chart):
            return f"![{markdown_text(chart.title)}]({name}.svg)"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _html(elements: tuple[Element, ...]) -> str:
    title = elements[0].text if isinstance(elements[0], Heading) else "Report"
    return page(title, "\n".join(map(_html_of, elements)))


def _html_of(element: Element) -> str:
    match element:
        case Heading(level, text):
            return f"<h{level}>{html_text(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{html_text(text)}</p>"
        case Items(items):
            return "<ul>" + "".join(f"<li>{html_text(item)}</li>" for item in items) + "</ul>"
        case Grid(header, rows):
            return table(header, rows)
        case Picture(name, chart):
            return figure(chart, name)
