"""The ideal model: what it writes next, given what has come back (spec/5-embedding.md, 5.2).

It calls all that can be called, the longest first where times are told; then it tells what has come
back, a line each, first what was asked last; when there is nothing to tell it traps. Progress is no
result: it is not told. A result that comes while the model is in the middle of a sentence does not
make it begin anew: it ends the sentence, and turns to the result then.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias, cast

import msgspec

from cml.ast import Call, Json, OutcomeKind, Reference, Value
from cml.printer import render
from interpreter.events import Outcome
from interpreter.session import Batch, EndOfDecoding, Piece
from model_adapters.training.data.stories import Earlier, Tale, Wish
from model_adapters.training.data.values import as_result

Order: TypeAlias = Literal["program", "longest"]
Spell: TypeAlias = Callable[[str], Sequence[tuple[str, int]]]
"""Cuts a text into parts that begin and end between characters, each with its number of tokens."""

TRAP: Final = "[TRAP][END]"
TRY_AGAIN: Final = "try again"


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of the context.

    Args:
        by: Who wrote it.
        text: What.
    """

    by: Literal["model", "runtime"]
    text: str


class _Errand:
    """How far a wish has come."""

    def __init__(self, wish: Wish, asked: int = 0) -> None:
        self.wish = wish
        self.asked = asked  # by which message; 0 is the question
        self.job = ""  # under which it runs, or ran last
        self.tries = 0
        self.outcome: Outcome | None = None
        self.is_told = False
        self.is_dropped = False

    @property
    def has_returned(self) -> bool:
        return self.outcome is not None and self.outcome.kind is OutcomeKind.RETURNED

    @property
    def is_unwritten(self) -> bool:
        return not (self.job or self.is_dropped)

    @property
    def is_running(self) -> bool:
        return bool(self.job) and self.outcome is None

    @property
    def is_owed(self) -> bool:
        return self.outcome is not None and not (self.is_told or self.is_dropped)

    def settle(self, outcome: Outcome) -> None:
        """Take the outcome; a first failure that asks for it is tried again."""
        message = outcome.value.get("message") if isinstance(outcome.value, dict) else None
        if outcome.kind is OutcomeKind.FAILED and TRY_AGAIN in str(message) and self.tries == 1:
            self.job = ""
        else:
            self.outcome = outcome


class IdealSession:
    """Writes what a model should write (see `interpreter.session.Session`).

    Args:
        story: What is wanted.
        spell: How text falls into tokens.
        order: In which order calls are written where their times are told.

    Attributes:
        segments: The context so far.
    """

    def __init__(self, story: Tale, spell: Spell, order: Order = "longest") -> None:
        self._spell = spell
        self._order = order
        self._reply = story.reply
        self._errands = [_Errand(wish) for wish in story.wishes]
        self._by_job: dict[str, _Errand] = {}
        self._messages = list(story.messages)
        self._heard = 0
        self._told: list[_Errand] = []  # in the order in which they came back
        self._left: list[Piece] = []
        self._at_line_start = True
        self.segments: list[Segment] = []

    @property
    def is_done(self) -> bool:
        """Whether everything was called and told, and every message was heard."""
        unfinished = (e for e in self._errands if self._is_open(e) or e.is_running or e.is_owed)
        return not (self._messages or self._left or any(unfinished))

    def wish_of(self, job: str) -> tuple[Wish, int]:
        """Return the wish that a call was written for, and the how manieth call for it that was."""
        errand = self._by_job[job]
        return errand.wish, errand.tries

    def decode(self) -> Piece | EndOfDecoding:
        """Write one more token (Embed/decode)."""
        if not self._left:
            act = self._next_act()
            if act is None:
                return EndOfDecoding("stop")
            # What comes while a line begins is told, not trapped for: the act is chosen after it.
            text = act() if self._at_line_start else "\n"
            self._left = [Piece(part, tokens) for part, tokens in self._spell(text)]
        piece = self._left.pop(0)
        self._at_line_start = piece.text.endswith("\n")
        self._add("model", piece.text)
        return piece

    def append(self, batch: Batch) -> int:
        """Take note of interrupts (Embed/append)."""
        self._add("runtime", batch.text)
        for told in batch.interrupts:
            if told.outcome.kind is OutcomeKind.PROGRESS:
                continue
            if told.id in self._by_job:
                self._by_job[told.id].settle(told.outcome)
                self._told.append(self._by_job[told.id])
            else:
                self._hear()
        self._at_line_start = batch.text.endswith("\n")
        return sum(tokens for _, tokens in self._spell(batch.text))

    def rewind(self, characters: int) -> None:
        """Nothing is ever taken back from this model."""
        raise NotImplementedError(characters)

    def close(self) -> None:
        """Nothing is held."""

    def _add(self, by: Literal["model", "runtime"], text: str) -> None:
        if self.segments and self.segments[-1].by == by:
            text = self.segments.pop().text + text
        self.segments.append(Segment(by, text))

    def _hear(self) -> None:
        message = self._messages.pop(0)
        self._heard += 1
        for number in message.drops:
            self._errands[number].is_dropped = True
        self._errands += [_Errand(wish, self._heard) for wish in message.adds]

    # ------------------------------------------------------------------------- what comes next

    def _next_act(self) -> Callable[[], str] | None:
        """Return what writes the next line; None at the end."""
        ready = [
            errand
            for errand in self._errands
            if self._is_open(errand)
            and all(e.has_returned for e in self._needs(errand))
            and all(self._errands[number].job for number in errand.wish.names)
        ]
        if ready:
            return lambda: self._call(min(ready, key=self._rank))
        if owed := [errand for errand in self._told if errand.is_owed]:
            return lambda: self._tell(max(owed, key=lambda errand: errand.asked))
        if any(errand.is_running for errand in self._errands):
            return lambda: TRAP
        return self._answer if self._reply else None

    def _is_open(self, errand: _Errand) -> bool:
        """Whether it is to be written now or later: not what hangs on a call that failed."""
        needs = self._needs(errand)
        return errand.is_unwritten and all(e.outcome is None or e.has_returned for e in needs)

    def _needs(self, errand: _Errand) -> list[_Errand]:
        return [self._errands[number] for number in errand.wish.needs]

    def _rank(self, errand: _Errand) -> int:
        """The order of calls; among equals, that in which they were asked for."""
        return -(errand.wish.estimate_us or 0) if self._order == "longest" else 0

    def _call(self, errand: _Errand) -> str:
        errand.job = f"job{len(self._by_job) + 1}"
        errand.tries += 1
        self._by_job[errand.job] = errand
        kwargs: dict[str, Value] = {
            name: self._argument(value) for name, value in errand.wish.arguments.items()
        }
        return render([Call(errand.job, errand.wish.function, (), kwargs)])

    def _argument(self, value: "Json | Earlier") -> Value:
        if not isinstance(value, Earlier):
            return cast("Value", value)
        earlier = self._errands[value.wish]
        if not value.waits:
            return Reference(earlier.job, (value.key,) if value.key else ())
        result = earlier.outcome.value if earlier.outcome else None
        found = result[value.key] if isinstance(result, dict) and value.key else result
        return cast("Value", found)

    def _tell(self, errand: _Errand) -> str:
        errand.is_told = True
        subject, outcome = errand.wish.subject, errand.outcome
        value = outcome.value if outcome else None
        if not errand.has_returned:
            message = value["message"] if isinstance(value, dict) else value
            return f"The {subject} is not available: {message}."
        if isinstance(value, str) and value.endswith("."):
            return value
        if isinstance(value, dict):
            return f"The {subject}: {as_result(value)}."
        return f"The {subject} is {value}."

    def _answer(self) -> str:
        text, self._reply = self._reply, ""
        return text
