"""How interrupts are written into the context (spec/3-semantics.md, section 7)."""

from cml.ast import Interrupt, OutcomeKind
from cml.parser import parse
from cml.printer import render
from cml.profile import Level, Profile
from interpreter.events import Delivery, Inject, Outcome


def interrupt_text(inject: Inject, profile: Profile) -> str:
    """Return the characters that an Inject effect appends to the context: its backslashes and its
    blocks, nothing else.

    The core level has no outcomes: there the fault of a call is the value that it returned.
    """
    blocks = (_interrupt(delivery, profile) for delivery in inject.interrupts)
    return "\\" * inject.backslashes + render(blocks, profile)


def unreadable(identifier: str, outcome: Outcome, profile: Profile) -> str | None:
    """Return why a reader of the context would not accept an interrupt, or None (Embed/result).

    What a function returns is not bounded; a block of the context is.
    """
    text = render([_interrupt(Delivery(identifier, outcome), profile)], profile)
    faults = parse(text, profile).diagnostics
    return faults[0].message if faults else None


def _interrupt(delivery: Delivery, profile: Profile) -> Interrupt:
    extended = profile.level is Level.EXTENDED
    kind = delivery.outcome.kind if extended else OutcomeKind.RETURNED
    return Interrupt(delivery.id, kind, delivery.outcome.value)
