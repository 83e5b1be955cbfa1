"""A session that was driven along a script: what was started, what went in where, and the context."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from cml.ast import Interrupt, Json, OutcomeKind
from cml.parser import parse
from cml.profile import Profile
from cml.text.regions import make_lexer
from interpreter.drivers.virtual import TimedOutcomes
from interpreter.events import Outcome, Start
from interpreter.state import Settings
from interpreter.vectors.runs import ScriptedToken
from model_adapters.conformance.subject import Subject
from model_adapters.testing import SessionError
from model_adapters.testing.watched import same

Answers = Mapping[str, tuple[int, Json]]
"""For each function after how many microseconds it returns what."""

CALL: Final = "[CALL] job1 [HEAD] f(1) [END]"
TRAP: Final = " [TRAP][END]"
IN_A_SECOND: Final[Answers] = {"f": (1_000_000, 42)}


class Driven(msgspec.Struct, frozen=True):
    """What is seen of a turn from outside, by the session and by the functions.

    Args:
        context: All that is in the context after the prompt.
        started: The functions, in the order of their starts.
        appended: What was appended, with the context before it.
        ids: The tokens that came to the context; none where they cannot be seen.
    """

    context: str
    started: tuple[str, ...]
    appended: tuple[tuple[str, str], ...]
    ids: tuple[int, ...]

    def require_context(self, expected: str, rule: str) -> None:
        """Raise where the context is another.

        Raises:
            SessionError: It is.
        """
        same(self.context, expected, rule, "the context")

    def require_started(self, expected: Sequence[str], rule: str) -> None:
        """Raise where other functions were started.

        Raises:
            SessionError: They were.
        """
        same(self.started, tuple(expected), rule, "the functions that were started")


def driven(
    subject: Subject,
    script: Sequence[ScriptedToken],
    answers: Answers,
    *,
    at_once: bool = False,
) -> Driven:
    """Drive a forced session for a turn, under the virtual clock.

    Args:
        subject: The backend.
        script: What the model is made to write.
        answers: What functions return.
        at_once: As in `Subject.forced`.
    """
    started: list[str] = []

    def functions(start: Start) -> TimedOutcomes:
        started.append(start.function)
        after_us, value = answers[start.function]
        return [(after_us, Outcome(OutcomeKind.RETURNED, value))]

    offered = Settings(subject.profile, functions=tuple(answers))
    with subject.forced(script, at_once=at_once) as session:
        before = len(session.watched.ids)
        for _ in subject.drive(session, functions, offered):
            pass
        ids = session.watched.ids[before:]
        return Driven(session.context, tuple(started), tuple(session.appended), ids)


def require_safe_points(found: Driven) -> None:
    """Raise where something went in inside a block, or inside a marker that was begun.

    The reader that says so is the one of whole contexts: it knows nothing of the driver.

    Raises:
        SessionError: Something did.
    """
    for before, text in found.appended:
        lexer = make_lexer(Profile())
        lexer.feed(before)
        if not lexer.interruptible:
            raise SessionError(
                f"Syntax/critical-section: {text!r} went in after {before[-60:]!r}: not a safe point"
            )


def interrupts(context: str) -> list[Interrupt]:
    """Return the interrupts of a context, in their order."""
    return [item for item in parse(context).items if isinstance(item, Interrupt)]
