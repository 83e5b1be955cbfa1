"""How interrupts are written into the context (spec/3-semantics.md, section 7)."""

from cml.ast import Interrupt, OutcomeKind
from cml.printer import render
from cml.profile import Level, Profile
from interpreter.events import Inject


def interrupt_text(inject: Inject, profile: Profile) -> str:
    """Return the characters that an Inject effect appends to the context: its blocks, nothing else.

    The core level has no outcomes: there the fault of a call is the value that it returned.
    """
    extended = profile.level is Level.EXTENDED
    return render(
        (
            Interrupt(d.id, d.outcome.kind if extended else OutcomeKind.RETURNED, d.outcome.value)
            for d in inject.interrupts
        ),
        profile,
    )
