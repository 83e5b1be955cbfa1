"""How a turn ended, read off its rows: was the question answered, and with what words?"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from interpreter.events import Decoded, Effect, Finish, Inject, Row

How: TypeAlias = Literal["answered", "length", "no answer", "stopped"]


class Ending(msgspec.Struct, frozen=True):
    """How a turn ended.

    Args:
        how: `answered` when the model came to its own end and wrote something after the last
            interrupt; `length` when the limit of its output came first; `stopped` when a person or
            the host ended it; else `no answer`.
        answer: The prose that it wrote after the last interrupt.
        reason: That of the Finish effect.
    """

    how: How
    answer: str
    reason: str


class _Reader:
    """Keeps the prose since the last interrupt. No Rewind takes prose back: only markers and blocks."""

    def __init__(self) -> None:
        self.prose: list[str] = []
        self.reason = ""

    def take(self, row: Row) -> None:
        match row.event:
            case Decoded(symbol) if row.rule == "Step/text":
                self.prose.append(symbol.text)
            case _:
                pass
        for effect in row.effects:
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Inject():
                self.prose.clear()
            case Finish(reason):
                self.reason = reason
            case _:
                pass


def ending(rows: Iterable[Row]) -> Ending:
    """Return how a turn ended.

    Args:
        rows: Its rows, in order, to the last.
    """
    reader = _Reader()
    for row in rows:
        reader.take(row)
    answer = "".join(reader.prose).strip()
    return Ending(_how(reader.reason, answer), answer, reader.reason)


def _how(reason: str, answer: str) -> How:
    match reason:
        case "length" | "stopped":
            return reason
        case "stop" if answer:
            return "answered"
        case _:
            return "no answer"
