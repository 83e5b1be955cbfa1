"""Scores of many dialogues as figures with their intervals, in Markdown and HTML."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from cml.terminal.foreign import html_text, markdown_text
from model_adapters.constraint.guarded import Guarded
from model_adapters.training.evaluation.playing import Calling
from model_adapters.training.evaluation.scoring import Score
from model_adapters.training.evaluation.shares import Difference, Share, difference, share

_ALWAYS: Final[dict[str, Callable[[Score], bool]]] = {
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
"""What every dialogue shows."""

_MEASURES: Final[dict[str, Callable[[Score], bool | None]]] = {
    **_ALWAYS,
    "no call made again while it runs": lambda score: score.no_repeat,
    "late results told once": lambda score: score.owed_told,
    "late results after the answer": lambda score: score.owed_after_answer,
    "no progress taken for a result": lambda score: score.progress_awaited,
    "dependency order kept": lambda score: score.order_kept,
    "recovered from failures": lambda score: score.recovered,
}


PlayKey: TypeAlias = tuple[str, Calling]
"""A dialogue, by its identifier, and how results came."""


class Played(msgspec.Struct, frozen=True):
    """One dialogue, played in one way.

    Args:
        id: Of the dialogue.
        shape: What kind of story it is.
        question: What a person asked.
        calls: How many calls were wanted, without those that were asked for on the way.
        calling: How results came.
        score: How the model did.
        makespan_us: How long it took, in microseconds.
        mask: What the mask did; None where there was none.
        context: What it wrote, with the interrupts.
    """

    id: str
    shape: str
    question: str
    calls: int
    calling: Calling
    score: Score
    makespan_us: int
    mask: Guarded | None
    context: str

    @property
    def key(self) -> PlayKey:
        """Return which dialogue it is, and in which way it was played."""
        return self.id, self.calling


def measured(played: Sequence[Played]) -> dict[str, Share]:
    """Return each measure, of the stories that gave the occasion for it."""
    return {
        name: share(measure(each.score) for each in played) for name, measure in _MEASURES.items()
    }


NO_SHARES: Final[Mapping[str, Share]] = {}


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
        f"{sum(e.calling == ways[0] for e in played) if ways else 0} dialogues of tools and names that are in no training data, each",
        "played by the machine under its virtual clock. In brackets: Wilson's interval of 95%. What had no occasion",
        "is not counted.",
        "",
        *_table(["", *ways], _measures_by_way(played, ways)),
        "",
        *_compared(played, ways),
        "## By shape, fully right",
        "",
        *_table(["", *ways], _by(played, ways, lambda each: each.shape)),
        "",
        "## By number of calls, fully right",
        "",
        *_table(["", *ways], _by(played, ways, lambda each: f"{each.calls} calls")),
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
        f"<details><summary>{html_text(each.question)} <small>{each.calling}, "
        f"{html_text(each.shape)}: {html_text(', '.join(_failed(each.score)))}</small></summary>"
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
    return [name for name, measure in _MEASURES.items() if measure(score) is False]


def _compared(played: Sequence[Played], ways: Sequence[Calling]) -> list[str]:
    """Return the section that compares the first way with each other one, dialogue by dialogue."""
    if len(ways) < 2:
        return []
    first, *others = ways
    rows = [
        [name, *(str(compared(played, first, other, measure)) for other in others)]
        for name, measure in _ALWAYS.items()
    ]
    head = [f"{first} less", *others]
    return [
        "## Differences in points",
        "",
        "Of the same dialogues; in brackets Newcombe's interval of 95% for pairs.",
        "",
        *_table(head, rows),
        "",
    ]


def compared(
    played: Sequence[Played], first: Calling, second: Calling, measure: Callable[[Score], bool]
) -> Difference:
    """Return how two ways differ in a measure, on the stories that were played in both.

    Args:
        played: Every story in every way in which it was played.
        first: One way.
        second: The other.
        measure: What is compared.
    """
    ones, others = (
        {e.id: measure(e.score) for e in played if e.calling == way} for way in (first, second)
    )
    both = [each for each in ones if each in others]
    return difference([ones[each] for each in both], [others[each] for each in both])


def _measures_by_way(played: Sequence[Played], ways: Sequence[Calling]) -> list[list[str]]:
    by_way = {way: [each for each in played if each.calling == way] for way in ways}
    found = {way: measured(by_way[way]) for way in ways}
    rows = [[name, *(found[way][name].with_count for way in ways)] for name in _MEASURES]
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
                        e.score.fully_right for e in played if e.calling == way and group(e) == name
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
