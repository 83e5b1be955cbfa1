"""Validity: what a context must keep beyond its syntax (spec/2-validity.md).

Each rule is one small function over what came before and the next block.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cml.ast import Block, Call, Context, Interrupt, Malformed, OutcomeKind, Reference, Trap, Value
from cml.blocks import is_runtime_identifier, reserved_fault
from cml.diagnostics import Diagnostic, diagnose
from cml.parser import read_blocks
from cml.profile import Profile


@dataclass(slots=True)
class _Seen:
    """The identifiers of a context so far: all that a validator remembers."""

    called: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)

    @property
    def pending(self) -> set[str]:
        return self.called - self.answered


_Rule = Callable[[Block, _Seen], Iterator[str]]


def _unique_identifier(block: Block, seen: _Seen) -> Iterator[str]:
    if isinstance(block, Call) and block.id in seen.called:
        yield f"the identifier {block.id} was used before"


def _reserved_identifier(block: Block, _: _Seen) -> Iterator[str]:
    if isinstance(block, Call) and block.id is not None and (fault := reserved_fault(block.id)):
        yield fault


def _answers_a_call(block: Block, seen: _Seen) -> Iterator[str]:
    if (
        isinstance(block, Interrupt)
        and block.id not in seen.called
        and not is_runtime_identifier(block.id)
    ):
        yield f"no call before this interrupt has the identifier {block.id}"


def _one_answer(block: Block, seen: _Seen) -> Iterator[str]:
    if isinstance(block, Interrupt) and block.id in seen.answered:
        yield f"{block.id} was answered before"


def _known_identifier(block: Block, seen: _Seen) -> Iterator[str]:
    named = _named_by(block)
    yield from (f"no earlier call has the identifier {n}" for n in named if n not in seen.called)


def _trap_wakes(block: Block, seen: _Seen) -> Iterator[str]:
    if isinstance(block, Trap) and not seen.pending:
        yield "nothing is pending that could wake this trap"


_RULES: Final[dict[str, _Rule]] = {
    "Valid/unique-identifier": _unique_identifier,
    "Valid/reserved-identifier": _reserved_identifier,
    "Valid/answers-a-call": _answers_a_call,
    "Valid/one-answer": _one_answer,
    "Valid/known-identifier": _known_identifier,
    "Valid/trap-wakes": _trap_wakes,
}


def _named_by(block: Block) -> tuple[str, ...]:
    match block:
        case Trap(wait=tuple(names)):
            return names
        case Call():
            return tuple(_references((*block.args, *block.kwargs.values())))
        case _:
            return ()


def _references(values: Iterable[Value]) -> Iterator[str]:
    for value in values:
        match value:
            case Reference():
                yield value.ref
            case list():
                yield from _references(value)
            case dict():
                yield from _references(value.values())
            case _:
                pass


def references(call: Call) -> tuple[str, ...]:
    """Return the identifiers of the calls that this call waits for, without repetition."""
    return tuple(dict.fromkeys(_named_by(call)))


class Validator:
    """Checks the blocks of one context, in order; it remembers identifiers only."""

    def __init__(self) -> None:
        self._seen = _Seen()

    def check(self, block: Block) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the next block."""
        if isinstance(block, Malformed):
            found: tuple[Diagnostic, ...] = (block.fault,)
        else:
            found = tuple(
                diagnose(name, message, block.span)
                for name, rule in _RULES.items()
                for message in rule(block, self._seen)
            )
        self._remember(block)
        return found

    def _remember(self, block: Block) -> None:
        match block:
            case Call(id=str(name)) | Malformed(id=str(name)):
                self._seen.called.add(name)
            case Interrupt(id=name, outcome=outcome) if outcome is not OutcomeKind.PROGRESS:
                self._seen.answered.add(name)
            case _:
                pass


def validate(
    source: str | bytes | Context | Iterable[str | bytes], profile: Profile | None = None
) -> tuple[Diagnostic, ...]:
    """Return all that is wrong with a context, in order; nothing means that it is valid.

    Args:
        source: A tree, a text, or the pieces of a text.
        profile: Body language, level and limits.

    Raises:
        CmlError: Bytes that are not UTF-8.
    """
    return tuple(check_blocks(_blocks(source, profile or Profile())))


def _blocks(
    source: str | bytes | Context | Iterable[str | bytes], profile: Profile
) -> Iterable[Block]:
    match source:
        case Context():
            return (item for item in source.items if item.kind != "text")
        case str() | bytes():
            return read_blocks([source], profile)
        case _:
            return read_blocks(source, profile)


def check_blocks(blocks: Iterable[Block]) -> Iterator[Diagnostic]:
    """Yield the diagnostics of blocks as they come, for streams of any length."""
    validator = Validator()
    for block in blocks:
        yield from validator.check(block)
