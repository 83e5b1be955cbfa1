"""How interrupts are written into the context (spec/3-semantics.md, section 7)."""

from functools import lru_cache
from typing import Final

from cml.ast import Interrupt, OutcomeKind
from cml.parser import parse
from cml.printer import PrintError, render
from cml.profile import Level, Profile
from cml.text.identifiers import agent_fault, message_identifier
from cml.wording import counted
from interpreter.events import Delivery, Inject, Outcome
from interpreter.session import Batch

_SHORT: Final = 1_000
_HIGHEST_MESSAGE: Final = 999_999_999
"""Whether a message can be told does not depend on how many there were before it."""


def interrupt_text(inject: Inject, profile: Profile) -> str:
    """Return the characters that an Inject effect appends to the context, each and no others.

    The core level has no outcomes: there the fault of a call is the value that it returned.
    """
    blocks = (render([_interrupt(told, profile)], profile) for told in inject.interrupts)
    return inject.before + "".join(block + inject.after for block in blocks)


def batch_of(inject: Inject, profile: Profile) -> Batch:
    """Return what an Inject effect has a session append."""
    return Batch(interrupt_text(inject, profile), inject.interrupts)


def unreadable(identifier: str, outcome: Outcome, profile: Profile) -> str | None:
    """Return why a reader of the context would not accept an interrupt, or None (Embed/result).

    What a function returns is not bounded; a block of the context is.
    """
    try:
        text = render([_interrupt(Delivery(identifier, outcome), profile)], profile)
    except PrintError as error:
        return str(error)
    return _short_fault(text, profile) if len(text) <= _SHORT else _fault(text, profile)


def _fault(text: str, profile: Profile) -> str | None:
    faults = parse(text, profile).diagnostics
    return faults[0].message if faults else None


_short_fault: Final = lru_cache(256)(_fault)
"""An exploration asks for the same few texts in every state."""


def message_fault(text: object, profile: Profile, sender: str = "", hops: int = 0) -> str | None:
    """Return why what a person or an agent says cannot be told, or None if it can (Embed/message).

    Args:
        text: What is said.
        profile: That of the session that is told.
        sender: The name of the agent; empty for a person.
        hops: How many messages of agents it follows from (Embed/hops).
    """
    if not isinstance(text, str):
        return f"a message is text, not a value of the type {type(text).__name__}"
    if profile.level is not Level.EXTENDED:
        return "messages are of the extended level"
    if sender and (fault := agent_fault(sender)):
        return fault
    most = profile.limits.agent_hops if sender else 1
    if not 0 <= hops < most:
        return f"it follows from {counted(hops, 'message')} of agents, and may follow from at most {most - 1}"
    identifier = message_identifier(sender, _HIGHEST_MESSAGE)
    fault = unreadable(identifier, Outcome(OutcomeKind.RETURNED, text), profile)
    return fault and f"the message cannot be told: {fault}"


def shortened(identifier: str, failed: Outcome, profile: Profile) -> Outcome:
    """Return a failure of the runtime's own with as much of its message as a reader accepts."""
    value = failed.value
    while unreadable(identifier, failed, profile) and isinstance(value, dict) and value["message"]:
        message = str(value["message"])
        value = {**value, "message": message[: len(message) // 2]}
        failed = Outcome(failed.kind, value)
    return failed


def _interrupt(delivery: Delivery, profile: Profile) -> Interrupt:
    extended = profile.level is Level.EXTENDED
    kind = delivery.outcome.kind if extended else OutcomeKind.RETURNED
    return Interrupt(delivery.id, kind, delivery.outcome.value)
