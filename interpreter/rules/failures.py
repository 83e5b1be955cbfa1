"""What the machine itself answers with: one table (spec/3-semantics.md, section 7)."""

from typing import Final

import msgspec

from cml.ast import OutcomeKind
from interpreter.events import Outcome, failure


class Failure(msgspec.Struct, frozen=True):
    """A type of failure.

    Args:
        outcome: The outcome that it is told as.
        report: The rule that it is reported by; None where the rule is that of the fault, or where
            it is not reported.
        own: Whether it is told under the identifier of its call where that is readable and new;
            else always as a protocol error.
    """

    outcome: OutcomeKind = OutcomeKind.FAILED
    report: str | None = None
    own: bool = True


# Those of refusals in the order in which they are looked for (Step/refused).
FAILURES: Final[dict[str, Failure]] = {
    "malformed": Failure(),
    "reserved_identifier": Failure(report="Valid/reserved-identifier", own=False),
    "duplicate_identifier": Failure(report="Valid/unique-identifier", own=False),
    "unknown_function": Failure(report="Valid/known-function"),
    "arguments": Failure(report="Valid/known-identifier"),
    "unknown_identifier": Failure(report="Valid/known-identifier"),
    "limit": Failure(report="Valid/limit", own=False),
    "dependency": Failure(),
    "result": Failure(),
    "timeout": Failure(OutcomeKind.TIMEOUT),
    "cancelled": Failure(OutcomeKind.CANCELLED),
}


def outcome_of(kind: str, message: str) -> Outcome:
    """Return what the model is told of a failure of this type."""
    return failure(kind, message, FAILURES[kind].outcome)
