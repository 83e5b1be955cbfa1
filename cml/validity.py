"""Validity: what a context must keep beyond its syntax (spec/2-validity.md).

Each rule is one small function over what came before and the next block.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from cml.arguments import take_pieces, take_profile
from cml.ast import Block, Call, Context, Interrupt, Malformed, OutcomeKind, Reference, Trap, Value
from cml.diagnostics import CmlError, Diagnostic, Severity, Span, diagnose
from cml.parser import BlockReader, read_symbols
from cml.profile import Body, Level, Profile
from cml.symbols import Symbol
from cml.text.identifiers import (
    CONSTANTS,
    is_error_identifier,
    is_message_identifier,
    is_runtime_identifier,
    reserved_fault,
)
from cml.text.lints import NearMisses, json_constants, near_misses_in_block


@dataclass(slots=True)
class _Seen:
    """What a validator remembers of a context so far: its identifiers.

    Args:
        profile: Its body language, and the highest level of conformance that is accepted.
        called: Identifiers that calls have, malformed ones included.
        pending: Those of them that were not answered yet.
        answered: Identifiers that a final interrupt named, whoever has them.
        errors: Blocks at fault that have no identifier of their own and were not answered yet.
    """

    profile: Profile
    called: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    errors: int = 0


_AnyBlock = TypeVar("_AnyBlock", Call, Interrupt, Trap)
_Messages: TypeAlias = tuple[str, ...]


def _unique_identifier(block: Call, seen: _Seen) -> _Messages:
    if block.id not in seen.called:
        return ()
    return (f"the identifier {block.id} was used before",)


def _reserved_identifier(block: Call, _: _Seen) -> _Messages:
    if block.id is None or (fault := reserved_fault(block.id)) is None:
        return ()
    return (fault,)


def _answers_a_call(block: Interrupt, seen: _Seen) -> _Messages:
    if block.id not in seen.called and not is_runtime_identifier(block.id):
        return (f"no call before this interrupt has the identifier {block.id}",)
    return ()


def _one_answer(block: Interrupt, seen: _Seen) -> _Messages:
    return (f"{block.id} was answered before",) if block.id in seen.answered else ()


def _known_identifier(block: Call | Trap, seen: _Seen) -> _Messages:
    named = references(block) if isinstance(block, Call) else block.wait
    if not isinstance(named, tuple) or seen.called.issuperset(named):
        return ()
    unknown = (name for name in dict.fromkeys(named) if name not in seen.called)
    return tuple(f"no earlier call has the identifier {name}" for name in unknown)


def _trap_wakes(block: Trap, seen: _Seen) -> _Messages:
    if isinstance(block.wait, tuple):
        if not seen.pending.intersection(block.wait):
            return ("none of these is pending, so nothing could wake this trap",)
    elif not seen.pending and not seen.errors:
        return ("nothing is pending that could wake this trap",)
    return ()


def _level(block: Interrupt, seen: _Seen) -> _Messages:
    level = seen.profile.level
    if level is not Level.EXTENDED and is_message_identifier(block.id):
        return (f"messages are beyond the {level.value} level",)
    return ()


def _json_constant(block: Call, seen: _Seen) -> _Messages:
    if seen.profile.body is not Body.PYTHON:
        return ()
    if not (words := json_constants(block.body)):
        return ()
    return tuple(f"{w} is read as {CONSTANTS[w]}; Python spells it so" for w in words)


def _add_references(values: Iterable[Value], named: list[str]) -> None:
    for value in values:
        if isinstance(value, Reference):
            named.append(value.ref)
        elif isinstance(value, list):
            _add_references(value, named)
        elif isinstance(value, dict):
            _add_references(value.values(), named)


def references(call: Call) -> tuple[str, ...]:
    """Return the identifiers of the calls that this call waits for, without repetition."""
    named: list[str] = []
    _add_references(call.args, named)
    _add_references(call.kwargs.values(), named)
    return tuple(dict.fromkeys(named)) if named else ()


_CALL_RULES: Final[dict[str, Callable[[Call, _Seen], _Messages]]] = {
    "Valid/unique-identifier": _unique_identifier,
    "Valid/reserved-identifier": _reserved_identifier,
    "Valid/known-identifier": _known_identifier,
    "Lint/json-constant": _json_constant,
}
_INTERRUPT_RULES: Final[dict[str, Callable[[Interrupt, _Seen], _Messages]]] = {
    "Valid/level": _level,
    "Valid/answers-a-call": _answers_a_call,
    "Valid/one-answer": _one_answer,
}
_TRAP_RULES: Final[dict[str, Callable[[Trap, _Seen], _Messages]]] = {
    "Valid/known-identifier": _known_identifier,
    "Valid/trap-wakes": _trap_wakes,
}


class Validator:
    """Checks the blocks of one context, in order; it remembers identifiers only.

    Args:
        profile: Body language, level and limits.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self._seen = _Seen(profile or Profile())

    def check(self, block: Block) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the next block."""
        found: tuple[Diagnostic, ...]
        match block:
            case Call():
                found = _found(_CALL_RULES, block, self._seen)
                _remember_call(block, found, self._seen)
            case Interrupt():
                found = _found(_INTERRUPT_RULES, block, self._seen)
                _remember_answer(block, self._seen)
            case Trap():
                found = _found(_TRAP_RULES, block, self._seen)
            case Malformed():
                found = (block.fault,)
                _remember_call(block, found, self._seen)
        return found


def _found(
    rules: Mapping[str, Callable[[_AnyBlock, _Seen], _Messages]], block: _AnyBlock, seen: _Seen
) -> tuple[Diagnostic, ...]:
    """Return what the rules for a kind of block find."""
    found: tuple[Diagnostic, ...] = ()
    for name, rule in rules.items():
        if messages := rule(block, seen):
            found += tuple(diagnose(name, message, block.span) for message in messages)
    return found


def _remember_call(block: Call | Malformed, found: tuple[Diagnostic, ...], seen: _Seen) -> None:
    if found and _is_error(block, found, seen):
        seen.errors += 1
    elif block.id is not None:
        seen.called.add(block.id)
        seen.pending.add(block.id)


def _remember_answer(block: Interrupt, seen: _Seen) -> None:
    if block.outcome is OutcomeKind.PROGRESS:
        return
    name = block.id
    if seen.errors and is_error_identifier(name) and name not in seen.answered:
        seen.errors -= 1
    seen.answered.add(name)
    seen.pending.discard(name)


def _is_error(block: Call | Malformed, found: tuple[Diagnostic, ...], seen: _Seen) -> bool:
    """Whether this block is at fault and has no identifier of its own (Syntax/error-identifier)."""
    if not any(finding.severity is Severity.ERROR for finding in found):
        return False
    if isinstance(block, Malformed) and not block.source.startswith(("[CALL]", "[TRAP]")):
        return False
    own = block.id is not None and block.id not in seen.called and not reserved_fault(block.id)
    return not own


def validate(
    source: str | bytes | Context | Iterable[str | bytes], profile: Profile | None = None
) -> tuple[Diagnostic, ...]:
    """Return all that is wrong with a context, in order; no error means that it is valid.

    Args:
        source: A text in the text profile, its pieces, or a tree; of a tree the blocks are checked.
        profile: Body language, level and limits.

    Raises:
        TypeError: The source is none of these.
    """
    used = take_profile(profile)
    match source:
        case Context():
            return tuple(check_blocks((i for i in source.items if i.kind != "text"), used))
        case str() | bytes():
            return tuple(check_symbols(read_symbols([source], used), used))
        case _:
            return tuple(check_symbols(read_symbols(take_pieces(source), used), used))


def check_blocks(blocks: Iterable[Block], profile: Profile | None = None) -> Iterator[Diagnostic]:
    """Yield the diagnostics of blocks as they come, for streams of any length."""
    validator = Validator(profile)
    for block in blocks:
        yield from validator.check(block)


def check_symbols(symbols: Iterable[Symbol], profile: Profile) -> Iterator[Diagnostic]:
    """Yield the diagnostics of a context as its symbols come, for streams of any length.

    Memory grows with the identifiers, each of which has to be remembered, and with nothing else.
    """
    reader, validator, lint = BlockReader(profile), Validator(profile), NearMisses()
    try:
        for part in reader.read(symbols):
            found: Iterable[Diagnostic]
            if isinstance(part, Symbol):
                found = lint.take(part, reader.place)
            else:
                lint.reset()
                found = validator.check(part)
            if found:
                yield from found
            if isinstance(part, Malformed):
                yield from near_misses_in_block(part, profile.body)
    except CmlError as error:
        at = reader.place(error.offset)  # no line ends between what was read and there
        yield diagnose(error.rule, str(error), Span(at, at))
