"""What a model told: its words outside blocks, line by line, and what stands in them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from cml.ast import Json, OutcomeKind
from interpreter.events import Decoded, Outcome, Row

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|(?<=[.!?])(?=[A-Z])")
_BEGINS_WITH_NUMBER: Final = re.compile(r"-?\d")
_NO_NUMBER_BEFORE: Final = r"(?<![\d-])(?<!\d[.,:])"
_NO_NUMBER_AFTER: Final = r"(?![.,:]?\d)"
_NO_RESULTS: Final = {OutcomeKind.FAILED, OutcomeKind.TIMEOUT, OutcomeKind.CANCELLED}


class Line(msgspec.Struct, frozen=True):
    """A line that a model wrote outside blocks.

    Args:
        text: Its words.
        row: The number of the row in which it began.
    """

    text: str
    row: int


def prose(rows: Iterable[Row]) -> str:
    """Return what the model wrote outside blocks."""
    return "".join(text for _, text in _written(rows)).strip()


def lines(rows: Iterable[Row]) -> list[Line]:
    """Return the lines that a model wrote outside blocks, in order, without empty ones."""
    found, text, begin = list[Line](), "", 0
    for number, piece in _written(rows):
        for part in piece.splitlines(keepends=True):
            begin = begin if text.strip() else number
            text += part
            if text.endswith("\n"):
                found.append(Line(text.strip(), begin))
                text = ""
    return [line for line in [*found, Line(text.strip(), begin)] if line.text]


def outcome_parts(outcome: Outcome) -> list[str]:
    """Return what has to be read where an outcome is told: the values, or the message of a fault."""
    value = outcome.value
    if outcome.kind in _NO_RESULTS and isinstance(value, dict):
        return parts_of(value.get("message", ""))
    return parts_of(value)


def parts_of(value: Json) -> list[str]:
    """Return what has to be read where a value is told."""
    if isinstance(value, dict):
        return [part for inner in value.values() for part in parts_of(inner)]
    return [str(value).rstrip(".")]


def times_told(text: str, parts: Sequence[str], things: Sequence[str]) -> int:
    """Return how often a line tells an outcome together with what it is the outcome of.

    Args:
        text: The line. Where no sentence of it holds all, the line as a whole may: a result can be
            several sentences.
        parts: What has to be read of the outcome, all of it.
        things: What the call may be called by, one of it; with none, the outcome is enough.
    """
    told = sum(_tells(sentence, parts, things) for sentence in _SENTENCE.split(text))
    return told or int(_tells(text, parts, things))


def _tells(text: str, parts: Sequence[str], things: Sequence[str]) -> bool:
    has_thing = not things or any(_holds(text, thing) for thing in things)
    return has_thing and all(_holds(text, part) for part in parts)


def _holds(text: str, part: str) -> bool:
    """Whether a part stands in a text, and no number at its ends goes on: 23:45 does not hold 45."""
    return part in text and _whole(part).search(text) is not None


@lru_cache(1_024)
def _whole(part: str) -> re.Pattern[str]:
    before = _NO_NUMBER_BEFORE if _BEGINS_WITH_NUMBER.match(part) else ""
    after = _NO_NUMBER_AFTER if part[-1:].isdigit() else ""
    return re.compile(f"{before}{re.escape(part)}{after}")


def _written(rows: Iterable[Row]) -> Iterator[tuple[int, str]]:
    for number, row in enumerate(rows):
        if isinstance(row.event, Decoded) and row.rule == "Step/text":
            yield number, row.event.symbol.text
