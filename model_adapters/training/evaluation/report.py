"""Scores of many dialogues as figures with their intervals, in Markdown and HTML."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from cml.terminal.foreign import html_text, markdown_text
from model_adapters.constraint.guarded import Guarded
from model_adapters.training.data.stories import Tale
from model_adapters.training.evaluation.playing import Calling
from model_adapters.training.evaluation.scoring import Score

_Z: Final = 1.96
_MEASURES: Final[dict[str, Callable[[Score], bool]]] = {
    "fully right": lambda score: score.fully_right,
    "right calls": lambda score: score.right_calls,
    "all calls made": lambda score: score.complete,
    "no other call": lambda score: score.frugal,
    "right tools": lambda score: score.right_tools,
    "results told with their thing": lambda score: score.told,
    "no number made up": lambda score: score.honest,
    "well-formed": lambda score: score.well_formed,
    "no needless trap": lambda score: score.no_needless_trap,
    "no missing trap": lambda score: score.no_missing_trap,
}


class Played(msgspec.Struct, frozen=True):
    """One story, played in one way.

    Args:
        story: What was wanted.
        calling: How results came.
        score: How the model did.
        makespan_us: How long it took, in microseconds.
        mask: What the mask did; None where there was none.
        context: What it wrote, with the interrupts.
    """

    story: Tale
    calling: Calling
    score: Score
    makespan_us: int
    mask: Guarded | None
    context: str


class Share(msgspec.Struct, frozen=True):
    """A share of dialogues, with Wilson's interval of 95%.

    Args:
        good: In how many it was so.
        of: How many there were.
    """

    good: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Return between which shares the true one lies."""
        if not self.of:
            return 0.0, 1.0
        part, square = self.good / self.of, _Z * _Z
        middle = (part + square / (2 * self.of)) / (1 + square / self.of)
        spread = math.sqrt(part * (1 - part) / self.of + square / (4 * self.of * self.of))
        half = _Z * spread / (1 + square / self.of)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        part = self.good / self.of if self.of else 0.0
        return f"{part:.0%} ({low:.0%} to {high:.0%})"


NO_SHARES: Final[Mapping[str, Share]] = {}


def share(scores: Iterable[Score], measure: Callable[[Score], bool]) -> Share:
    """Return in how many scores a measure is true."""
    found = [measure(score) for score in scores]
    return Share(sum(found), len(found))


def report_markdown(
    model: str, played: Sequence[Played], bfcl: Mapping[str, Share] = NO_SHARES
) -> str:
    """Return the report of a model in Markdown.

    Args:
        model: What decoded, in words.
        played: Every story in every way in which it was played.
        bfcl: How many questions of each category of the leaderboard were answered with accepted calls.
    """
    ways = list(dict.fromkeys(each.calling for each in played))
    lines = [
        f"# How well {markdown_text(model)} speaks CML",
        "",
        f"{len(played) // max(1, len(ways))} dialogues of tools and names that are in no training data, each",
        "played by the machine under its virtual clock. In brackets: Wilson's interval of 95%.",
        "",
        *_table(["", *ways], _measured(played, ways)),
        "",
        "## By shape, fully right",
        "",
        *_table(["", *ways], _by(played, ways, lambda each: each.story.shape)),
        "",
        "## By number of calls, fully right",
        "",
        *_table(["", *ways], _by(played, ways, lambda each: f"{len(each.story.wishes)} calls")),
        "",
    ]
    if bfcl:
        rows = [[category, str(found), str(found.of)] for category, found in bfcl.items()]
        lines += ["## BFCL, accepted by its own rules", ""]
        lines += [*_table(["category", "accepted", "questions"], rows), ""]
    return "\n".join(lines)


def report_html(model: str, played: Sequence[Played], bfcl: Mapping[str, Share] = NO_SHARES) -> str:
    """Return the report with every dialogue that was not fully right, as a page."""
    wrong = [each for each in played if not each.score.fully_right]
    entries = "".join(
        f"<details><summary>{html_text(each.story.question)} <small>{each.calling}, "
        f"{html_text(each.story.shape)}: {html_text(', '.join(_failed(each.score)))}</small></summary>"
        f"<pre>{html_text(each.context)}</pre></details>"
        for each in wrong
    )
    told = html_text(report_markdown(model, played, bfcl))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html_text(model)}</title>'
        "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}"
        "pre{white-space:pre-wrap}</style>"
        f"<pre>{told}</pre><h2>Not fully right: {len(wrong)}</h2>{entries}</html>"
    )


def _failed(score: Score) -> list[str]:
    return [name for name, measure in _MEASURES.items() if not measure(score)]


def _measured(played: Sequence[Played], ways: Sequence[Calling]) -> list[list[str]]:
    by_way = {way: [each for each in played if each.calling == way] for way in ways}
    rows = [
        [name, *(str(share((e.score for e in by_way[way]), measure)) for way in ways)]
        for name, measure in _MEASURES.items()
    ]
    makespans = [
        f"{sum(e.makespan_us for e in by_way[way]) / max(1, len(by_way[way])) / 1e6:.2f} s"
        for way in ways
    ]
    mask = [_masked(e.mask for e in by_way[way]) for way in ways]
    return [*rows, ["mean makespan", *makespans], ["tokens that the mask changed", *mask]]


def _masked(masks: Iterable[Guarded | None]) -> str:
    """Return how many tokens were changed, of those that the model was asked for."""
    known = [mask for mask in masks if mask]
    changed, asked = sum(m.changed for m in known), sum(m.tokens - m.forced for m in known)
    return f"{changed} of {asked}" if known else "no mask"


def _by(
    played: Sequence[Played], ways: Sequence[Calling], group: Callable[[Played], str]
) -> list[list[str]]:
    groups = sorted({group(each) for each in played})
    return [
        [
            name,
            *(
                str(
                    share(
                        (e.score for e in played if e.calling == way and group(e) == name),
                        lambda score: score.fully_right,
                    )
                )
                for way in ways
            ),
        ]
        for name in groups
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'|'.join('---' for _ in head)}|",
        *(f"| {' | '.join(map(markdown_text, row))} |" for row in rows),
    ]
