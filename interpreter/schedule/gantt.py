"""Runs as pictures: one row for the generator and one for each call that runs beside it.

SVG is written here; HTML holds the same SVG, and PNG the same rectangles through Pillow (extra
`plot`).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from interpreter.schedule.spans import Kind, Span
    from interpreter.schedule.stories import Story

PLOT_SUFFIXES: Final = (".html", ".svg", ".png")

WIDTH: Final = 960
LABEL_WIDTH: Final = 170
ROW_HEIGHT: Final = 16
GAP: Final = 14

COLOURS: Final[Mapping[Kind, str]] = {
    "generate": "#1b6ca8",
    "round": "#4f9bd1",
    "execute": "#7fb77e",
    "trap": "#d1495b",
    "wait": "#eeeeee",
    "request": "#edae49",
    "deliver": "#8d6a9f",
    "answer": "#30475e",
}


class PlotError(RuntimeError):
    """A picture cannot be written."""


class Box(msgspec.Struct, frozen=True):
    """A filled rectangle, in pixels."""

    left: float
    top: float
    width: float
    height: float
    colour: str
    title: str


class Label(msgspec.Struct, frozen=True):
    """A text whose baseline begins at a point, in pixels."""

    left: float
    baseline: float
    text: str


class Picture(msgspec.Struct, frozen=True):
    """Everything to draw, and how tall it is in pixels."""

    boxes: list[Box]
    labels: list[Label]
    height: int


def write_plot(path: Path, stories: list[Story]) -> None:
    """Draw runs of one workload under one time axis.

    Args:
        path: Where to; the suffix decides the format.
        stories: The runs.

    Raises:
        PlotError: PNG was asked for and Pillow is not installed.
        OSError: The file cannot be written.
    """
    picture = lay_out(stories)
    if path.suffix == ".png":
        _write_png(path, picture)
        return
    svg = draw_svg(picture)
    title = escape(stories[0].workload)
    page = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n{svg}</html>\n'
    path.write_text(page if path.suffix == ".html" else svg, encoding="utf-8")


def lay_out(stories: list[Story]) -> Picture:
    """Place the spans of each run: the generator on top, calls below, as few rows as fit."""
    scale = (WIDTH - LABEL_WIDTH - 10) / max(1, *(story.makespan_us for story in stories))
    boxes: list[Box] = []
    labels: list[Label] = []
    top = GAP + ROW_HEIGHT
    labels += _legend(boxes)
    for story in stories:
        labels.append(Label(4, top + 12, f"{story.model} · {story.policy}"))
        labels.append(Label(4, top + 12 + ROW_HEIGHT, f"{story.makespan_us / 1000:,.1f} ms"))
        rows = 1
        for row, span in _rows(story):
            rows = max(rows, row + 1)
            boxes.append(
                Box(
                    left=LABEL_WIDTH + span.start_us * scale,
                    top=top + row * ROW_HEIGHT,
                    width=max(0.5, (span.end_us - span.start_us) * scale - 0.7),
                    height=ROW_HEIGHT - 2,
                    colour=COLOURS[span.kind],
                    title=_title(story, span),
                )
            )
        top += max(2, rows) * ROW_HEIGHT + GAP
    return Picture(boxes, labels, top)


def _legend(boxes: list[Box]) -> list[Label]:
    labels: list[Label] = []
    for position, (kind, colour) in enumerate(COLOURS.items()):
        left = LABEL_WIDTH + position * 95
        boxes.append(Box(left, 6, 10, 10, colour, kind))
        labels.append(Label(left + 14, 15, kind))
    return labels


def _rows(story: Story) -> Iterator[tuple[int, Span]]:
    """Give each span its row: 0 for the generator, the first free one for a running call."""
    free_us: list[int] = []
    for span in story.spans:
        if span.kind != "execute":
            yield 0, span
            continue
        fitting = [row for row, until_us in enumerate(free_us) if until_us <= span.start_us]
        row = fitting[0] if fitting else len(free_us)
        free_us[row : row + 1] = [span.end_us]
        yield row + 1, span


def _title(story: Story, span: Span) -> str:
    name = "" if span.call is None else f" {story.ids[span.call]}"
    return f"{span.kind}{name}: {span.start_us / 1000:,.1f} to {span.end_us / 1000:,.1f} ms"


def draw_svg(picture: Picture) -> str:
    """Write a picture as SVG."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{picture.height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{picture.height}" fill="white"/>',
    ]
    lines += [
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" fill="{box.colour}"><title>{escape(box.title)}</title></rect>'
        for box in picture.boxes
    ]
    lines += [
        f'<text x="{label.left:.1f}" y="{label.baseline:.1f}">{escape(label.text)}</text>'
        for label in picture.labels
    ]
    return "\n".join([*lines, "</svg>", ""])


def _write_png(path: Path, picture: Picture) -> None:
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise PlotError(
            "PNG needs Pillow; install it with: pip install 'cml-lang[plot]', or ask for .svg"
        ) from None
    image = Image.new("RGB", (WIDTH, picture.height), "white")
    draw = ImageDraw.Draw(image)
    for box in picture.boxes:
        corner = (box.left + box.width, box.top + box.height)
        draw.rectangle(((box.left, box.top), corner), fill=box.colour)
    for label in picture.labels:
        draw.text((label.left, label.baseline - 11), label.text, fill="black")
    image.save(path)
