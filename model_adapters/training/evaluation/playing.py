"""A story in the hands of any model: the machine runs it under the virtual clock."""

from typing import Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from cml.ast import OutcomeKind
from interpreter.drivers.virtual import TimedOutcomes, run_virtual
from interpreter.events import Finish, Outcome, Row, Said, Start, failure
from interpreter.session import DecodingCosts, Session
from interpreter.state import Settings
from model_adapters.training.data.stories import Tale
from model_adapters.training.evaluation.scoring import answered

Calling: TypeAlias = Literal["async", "sync-parallel", "sync"]
"""How results come: while the model goes on; at its trap, all together; right after each call."""

CALLINGS: Final[tuple[Calling, ...]] = ("async", "sync-parallel", "sync")
_UNKNOWN_US: Final = 200_000


class Play(msgspec.Struct, frozen=True):
    """What became of a story in the hands of a model.

    Args:
        rows: What happened.
        makespan_us: How long it took, in microseconds; with the calls themselves where decoding would
            have stood still for them, as it does when it is called synchronously.
    """

    rows: list[Row]
    makespan_us: int


def play_with(
    session: Session, story: Tale, settings: Settings, costs: DecodingCosts, calling: Calling
) -> Play:
    """Let a model play a story.

    Args:
        session: The model, with the story's question in its context.
        story: What is wanted, and what comes back.
        settings: What the host chose.
        costs: What decoding costs.
        calling: How results come.

    Raises:
        HostError: The session broke its contract.
    """
    tries: dict[str, int] = {}
    stood_us = 0

    def functions(start: Start) -> TimedOutcomes:
        nonlocal stood_us
        wish = answered(story, start.function, start.kwargs)
        if wish is None:
            return [(_UNKNOWN_US, failure("LookupError", "nothing was found"))]
        tries[wish.subject] = tries.get(wish.subject, 0) + 1
        comes = wish.comes_back(tries[wish.subject], settings.deadline_us or 0)
        if calling != "sync" or wish.fate == "expires":
            return comes
        after_us, outcome = comes[-1]
        stood_us += after_us
        return [(0, outcome)]

    said = [(remark.at_us, Said(remark.text)) for remark in story.messages]
    deliver: Final = "idle" if calling == "sync-parallel" else "any"
    used = replace(settings, deliver=deliver)
    rows = list(run_virtual(session, functions, used, costs, planned=said))
    # Deadlines of calls that have long returned pass after the end.
    end_us = max(row.at_us for row in rows if any(isinstance(e, Finish) for e in row.effects))
    return Play(rows, end_us + stood_us)


def play_blind(session: Session, settings: Settings, costs: DecodingCosts) -> list[Row]:
    """Let a model call what it likes: every call comes back as done. Return the rows.

    Args:
        session: The model, with a question in its context.
        settings: What the host chose.
        costs: What decoding costs.

    Raises:
        HostError: The session broke its contract.
    """
    done = Outcome(OutcomeKind.RETURNED, "done")
    return list(run_virtual(session, lambda _: [(_UNKNOWN_US, done)], settings, costs))
