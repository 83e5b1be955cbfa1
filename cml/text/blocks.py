"""Blocks: from an opener to its [END], or to where it breaks off (spec/1-syntax.md, section 5).

The parser of contexts and the machine of the interpreter both read blocks here, so that a call
means the same in a file and while it is being decoded.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec

from cml.ast import Block, Call, Interrupt, Json, Malformed, OutcomeKind, Trap
from cml.diagnostics import START, Position, Span, advance, diagnose, locate
from cml.profile import Level, Profile
from cml.symbols import Marker, Symbol
from cml.text.bodies import read_body
from cml.text.identifiers import identifier_fault, identifier_for, reserved_fault
from cml.text.invocation import BodyError
from cml.text.json_values import JsonError, read_json
from cml.text.literals import CALL_QUOTES, VALUE_QUOTES
from cml.text.valid_bodies import check_nesting
from cml.wording import counted

if TYPE_CHECKING:
    from cml.advice.wording import BodyAdvice

_WHITE_SPACE: Final = " \t\r\n"
_HEAD_LENGTH: Final = len(Marker.HEAD.value)
_END_LENGTH: Final = len(Marker.END.value)
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WORD: Final = re.compile(r"[^ \t\r\n]+")
# By the word that the head of an interrupt has after the identifier.
_OUTCOMES: Final = {"" if k is OutcomeKind.RETURNED else k.value: k for k in OutcomeKind}
# How many [HEAD] a block of each opener may have.
_HEADS: Final = {Marker.CALL: 1, Marker.INTR: 1, Marker.TRAP: 0}


class BlockEnd(Enum):
    """What ended a block."""

    CLOSED = "[END]"
    OPENED = "another block opened"
    TRUNCATED = "the text ended"


class OpenBlock(msgspec.Struct, frozen=True, gc=False):
    """A block under construction; while there is one, the context is in a critical section.

    Args:
        opener: The marker that opened it.
        source: Its characters from the opener on, at most one more than the limit.
        heads: Where in the source each [HEAD] stands; one over the limit stands at its end.
    """

    opener: Marker
    source: str
    heads: tuple[int, ...] = ()


class BlockError(ValueError):
    """A block that is not CML, with the part of its source that is to blame."""

    def __init__(self, rule: str, message: str, begin: int, end: int) -> None:
        super().__init__(message)
        self.rule = rule
        self.begin = begin
        self.end = end


def open_block(opener: Marker) -> OpenBlock:
    """Return the block that this opener begins."""
    return OpenBlock(opener, opener.value)


def extend(block: OpenBlock, symbol: Symbol, profile: Profile) -> OpenBlock:
    """Return the block with one more symbol of it: text, [HEAD] or [END].

    Of a block that grows over the limit one character too many is kept, however it was cut.
    """
    heads = block.heads
    if symbol.marker is Marker.HEAD and len(heads) < 2:
        heads = (*heads, len(block.source))
    room = profile.limits.block_characters + 1 - len(block.source)
    kept = symbol.text if len(symbol.text) <= room else symbol.text[: max(room, 0)]
    return OpenBlock(block.opener, block.source + kept, heads)


def read_block(
    block: OpenBlock,
    ending: BlockEnd,
    profile: Profile,
    start: Position = START,
    end: Position | None = None,
) -> Block:
    """Return what a finished block says; a fault makes it `Malformed`, never an exception.

    Args:
        block: The block, its [END] included where there is one.
        ending: What ended it.
        profile: Body language, level and limits.
        start: Where the block begins in the whole text.
        end: Where it ends; found from its source, where that is whole, if absent.
    """
    source = block.source
    span = Span(start, end or advance(start, source))
    try:
        _check_shape(block, ending, profile)
        return _READERS[block.opener](block, profile, span)
    except BlockError as fault:
        where = locate(start, source, fault.begin, fault.end)
        diagnostic = diagnose(fault.rule, str(fault), where)
        return Malformed(_readable_identifier(block, profile), source, diagnostic, span)


def stray_marker(marker: Marker, start: Position = START) -> Malformed:
    """Return the malformed item for a [HEAD] or [END] outside every block."""
    span = Span(start, advance(start, marker.value))
    message = f"{marker.value} stands outside every block"
    return Malformed(None, marker.value, diagnose("Valid/stray-marker", message, span), span)


def _check_shape(block: OpenBlock, ending: BlockEnd, profile: Profile) -> None:
    if len(block.source) > profile.limits.block_characters:
        message = (
            f"the block is longer than {counted(profile.limits.block_characters, 'character')}"
        )
        raise BlockError("Valid/limit", message, 0, len(block.opener.value))
    if ending is not BlockEnd.CLOSED:
        told = unclosed_block(block, ending, profile)
        raise BlockError("Valid/closed", told.message, told.offset, told.offset + 1)
    allowed = _HEADS[block.opener]
    if len(block.heads) > allowed:
        at = block.heads[allowed]
        message = "a second HEAD marker in one block; write one, after the identifier"
        message = message if allowed else "a HEAD marker in a trap; write identifiers only"
        raise BlockError("Valid/head", message, at, at + len(Marker.HEAD.value))


def unclosed_block(block: OpenBlock, ending: BlockEnd, profile: Profile) -> "BodyAdvice":
    """Say why a block has no [END], where, and what to write: perhaps a string went over it.

    No marker is spelled in words for a model: written into the context it would be escaped.
    """
    from cml.advice.strings import unclosed
    from cml.advice.wording import BodyAdvice  # a valid block needs no advice

    length = len(block.opener.value)
    quotes = {Marker.CALL: CALL_QUOTES[profile.body], Marker.INTR: VALUE_QUOTES}
    missing = f"the {block.opener.name} block has no END marker: {ending.value}"
    told = unclosed(block.source[length:], quotes.get(block.opener, ""))
    if told is None:
        return BodyAdvice(f"{missing}; write END where the block ends", 0)
    return BodyAdvice(f"{missing}, and {told.message}", length + told.offset)


def _parts(block: OpenBlock) -> tuple[str | None, str, int]:
    """Return the head, the body and where in the source the body begins, trimmed."""
    opener, content_end = block.source.index("]") + 1, len(block.source) - _END_LENGTH
    head, body_start = None, opener
    if block.heads:
        head = block.source[opener : block.heads[0]].strip(_WHITE_SPACE)
        body_start = block.heads[0] + _HEAD_LENGTH
    body = block.source[body_start:content_end]
    begun = body.lstrip(_WHITE_SPACE)
    return head, begun.rstrip(_WHITE_SPACE), body_start + len(body) - len(begun)


def _readable_identifier(block: OpenBlock, profile: Profile) -> str | None:
    """Return the identifier of a malformed call, or None (Syntax/malformed-identifier).

    One whose [HEAD] does not end within the limit may have been cut: it is nobody's.
    """
    if block.opener is not Marker.CALL or not block.heads:
        return None
    if block.heads[0] + _HEAD_LENGTH > profile.limits.block_characters:
        return None
    name = block.source[len(block.opener.value) : block.heads[0]].strip(_WHITE_SPACE)
    return None if identifier_fault(name, profile) or reserved_fault(name) else name


def _read_call(block: OpenBlock, profile: Profile, span: Span) -> Call:
    head, body, body_start = _parts(block)
    if head is not None and (fault := identifier_fault(head, profile)):
        told = f"{fault}; write one of letters, digits and _: {identifier_for(head, profile)}"
        raise BlockError("Valid/identifier", told, 0, block.heads[0])
    try:
        invocation = read_body(body, profile)
    except BodyError as error:
        at = body_start + error.offset
        raise BlockError(error.rule, str(error), at, at + 1) from None
    return Call(head, invocation.function, invocation.args, invocation.kwargs, body, span)


def _read_interrupt(block: OpenBlock, profile: Profile, span: Span) -> Interrupt:
    head, body, body_start = _parts(block)
    head_end = block.heads[0] if block.heads else len(block.source)
    name, _, word = " ".join(_WORD.findall(head or "")).partition(" ")
    if not name or word not in _OUTCOMES:
        message = "expected an identifier, and an outcome if the call did not return"
        raise BlockError("Valid/interrupt-head", message, 0, head_end)
    if fault := identifier_fault(name, profile):
        raise BlockError("Valid/identifier", fault, 0, head_end)
    if word and profile.level is not Level.EXTENDED:
        message = f"the outcome {word} is beyond the {profile.level.value} level"
        raise BlockError("Valid/level", message, 0, head_end)
    outcome, value = _OUTCOMES[word], _interrupt_value(body, body_start, profile)
    if word and outcome is not OutcomeKind.PROGRESS:
        _check_fault(outcome, value, body_start, len(body))
    return Interrupt(name, outcome, value, span)


def _interrupt_value(body: str, body_start: int, profile: Profile) -> Json:
    try:
        check_nesting(body, VALUE_QUOTES, profile.limits)
        return read_json(body, profile.limits)
    except BodyError as error:
        at = body_start + error.offset
        raise BlockError(error.rule, str(error), at, at + 1) from None
    except JsonError as error:
        at = body_start + error.offset
        rule = error.rule or "Valid/interrupt-value"
        raise BlockError(rule, str(error), at, at + 1) from None


def _check_fault(outcome: OutcomeKind, value: Json, begin: int, length: int) -> None:
    match value:
        case {"type": str(), "message": str(), **rest} if not rest:
            return
        case _:
            message = f'expected {{"type": "…", "message": "…"}} for the outcome {outcome.value}'
            raise BlockError("Valid/interrupt-value", message, begin, begin + length)


def _read_trap(block: OpenBlock, profile: Profile, span: Span) -> Trap:
    _, content, start = _parts(block)
    if not content:
        return Trap(None, span)
    if profile.level is not Level.EXTENDED:
        message = "a trap that names calls is beyond this level; write it empty"
        raise BlockError("Valid/level", message, start, start + len(content))
    if content == "all":
        return Trap("all", span)
    names = tuple(name.strip(_WHITE_SPACE) for name in content.split(","))
    for name in names:
        if fault := identifier_fault(name, profile) or reserved_fault(name):
            named = ", ".join(w for w in _NAME.findall(content) if w != "and") or "a, b"
            message = f"{fault}; calls are waited for with commas between: {named}"
            raise BlockError("Valid/trap-list", message, start, start + len(content))
    return Trap(names, span)


_READERS: Final[dict[Marker, Callable[[OpenBlock, Profile, Span], Block]]] = {
    Marker.CALL: _read_call,
    Marker.INTR: _read_interrupt,
    Marker.TRAP: _read_trap,
}
