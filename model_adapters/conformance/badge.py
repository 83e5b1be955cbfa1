"""A badge: a small picture that says how it went, for a page of one's own."""

from typing import Final

from cml.terminal.foreign import html_text

_CHARACTER_WIDTH: Final = 7
_MARGIN: Final = 10
_GOOD, _BAD = "#2e7d32", "#b3261e"
_LABEL: Final = "CML conformance"


def badge(words: str, *, is_good: bool) -> str:
    """Return a badge as SVG.

    Args:
        words: What it says.
        is_good: Whether it is green.
    """
    left, right = (len(text) * _CHARACTER_WIDTH + _MARGIN for text in (_LABEL, words))
    color, said = _GOOD if is_good else _BAD, html_text(words)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{_LABEL}: {said}">'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{color}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14" style="fill:#fff">{_LABEL}</text>'
        f'<text x="{left + right / 2}" y="14" style="fill:#fff">{said}</text></g></svg>'
    )
