"""A badge: a small picture that says how it went, for a page of one's own."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from cml.terminal.foreign import html_text

_CHARACTER_WIDTH: Final = 7
_MARGIN: Final = 10
_LABEL: Final = "CML conformance"

Verdict: TypeAlias = Literal["good", "mostly unseen", "bad"]
"""`bad`: something failed, or nothing was put to the test. `mostly unseen`: nothing failed, and more was not
put to the test than was."""

_COLORS: Final[Mapping[Verdict, str]] = {
    "good": "#2e7d32",
    "mostly unseen": "#8a5a00",
    "bad": "#b3261e",
}


def badge(words: str, verdict: Verdict) -> str:
    """Return a badge as SVG.

    Args:
        words: What it says.
        verdict: What its color is.
    """
    left, right = (len(text) * _CHARACTER_WIDTH + _MARGIN for text in (_LABEL, words))
    color, said = _COLORS[verdict], html_text(words)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{_LABEL}: {said}">'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{color}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,sans-serif" font-size="11">'
        f"{_text(_LABEL, left / 2)}{_text(words, left + right / 2)}</g></svg>"
    )


def _text(words: str, middle: float) -> str:
    """Return words as wide as their field, whatever font there is; a page that holds the badge does not style them."""
    width = len(words) * _CHARACTER_WIDTH
    return (
        f'<text x="{middle}" y="14" textLength="{width}" lengthAdjust="spacingAndGlyphs" '
        f'style="fill:#fff;font-size:11px;font-weight:400">{html_text(words)}</text>'
    )
