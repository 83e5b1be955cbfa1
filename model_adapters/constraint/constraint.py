"""The mask of constrained decoding: which tokens a model may write next (spec/5-embedding.md).

A constraint sees only what the model writes. Whatever the runtime appends, and the end of each
call, begins a new stretch, whose grammar is made afresh (2 ms): the next free identifier, the calls
that are still required, what a trap can wait for and a future can name are then plain facts of the
grammar. A rewind never reaches further back than what was appended last.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from cml import Call, Marker, OutcomeKind, Trap, parse
from cml.profile import Level, Profile
from cml.text.regions import make_lexer
from cml.wording import counted
from interpreter.errors import missing_extra
from interpreter.events import Delivery
from interpreter.tools.declared import Tool
from model_adapters.constraint.mask_grammar import Stretch, stretch_grammar
from model_adapters.constraint.standing import Standing
from model_adapters.errors import AdapterError

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLMatcher, LLTokenizer
    from numpy.typing import NDArray
    from transformers import TokenizersBackend


class ToolChoice(msgspec.Struct, frozen=True):
    """How freely a model may call: `auto` by default, `required` from one call on, `none` at zero.

    Args:
        required: Calls that it has to write before anything else in a turn.
        at_most: Calls that it may write in a turn.
        brackets: Whether its prose may hold square brackets and backslashes. Small models that
            cannot write `[INTR]` else write what looks like it.
        level: How much of the language it may use, of what the profile allows. Small models that
            may write `city=job1` do, where they mean a city.
    """

    required: int = 0
    at_most: int = 64
    brackets: bool = True
    level: Level = Level.EXTENDED


AUTO: Final = ToolChoice()
_LEVELS: Final = list(Level)
_OPENERS: Final = (Marker.CALL, Marker.TRAP)


class Vocabulary(msgspec.Struct, frozen=True):
    """A model's tokens as the mask sees them. Half a second to make, so make it once a model.

    Args:
        tokenizer: Their bytes.
        size: How many logits the model gives, padding included.
    """

    tokenizer: "LLTokenizer"
    size: int


def vocabulary(tokenizer: "TokenizersBackend", size: int, end_tokens: Sequence[int]) -> Vocabulary:
    """Return the vocabulary of a model.

    Args:
        tokenizer: Of the transformers package, of the fast kind.
        size: How many logits the model gives.
        end_tokens: Ids of the tokens that end its output.

    Raises:
        MissingExtraError: llguidance is not installed.
        AdapterError: It cannot read this tokenizer.
    """
    try:
        from llguidance.hf import from_tokenizer
    except ImportError as error:
        raise missing_extra("hf", error) from error
    try:
        return Vocabulary(from_tokenizer(tokenizer, size, list(end_tokens)), size)
    except ValueError as error:
        raise AdapterError(
            f"this model's tokenizer cannot be masked: {error}; run it without a constraint"
        ) from error


class Constraint:
    """Keeps a model to CML and to the schemas of its tools.

    Args:
        vocabulary: The model's tokens.
        tools: What it may call, with the names that bodies write (`spelled_tools`).
        choice: How freely.
        profile: How its bodies are written, and the level of the session.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        tools: Sequence[Tool],
        choice: ToolChoice = AUTO,
        profile: Profile | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._tools = tuple(tools)
        self._choice = choice
        self._profile = profile or Profile()
        self._level = min(choice.level, self._profile.level, key=_LEVELS.index)
        self._openings = _openings(vocabulary, self._profile)
        self._begun = self._standing = Standing()
        self._begin_segment()

    def mask(self) -> "NDArray[np.bool_]":
        """Return which tokens may come next, as a vector of the vocabulary's size.

        An end token may come outside a block only, and not before the required calls. Where the
        grammar leaves one text only, the mask leaves the token that the tokenizer would take. A
        region may open wherever no block is open, and inside it anything may come.
        """
        import numpy as np

        if self._lexer.in_region:
            return np.ones(self._vocabulary.size, dtype=np.bool_)
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        unpacked = np.unpackbits(bits, count=self._vocabulary.size, bitorder="little")
        if self._openings and self._lexer.interruptible:
            unpacked[list(self._openings)] = 1
        return unpacked.view(np.bool_)

    def accept(self, token: int) -> None:
        """Take note of a token that the model wrote; an end token is not told.

        Raises:
            AdapterError: The mask does not allow it.
        """
        opens = token in self._openings and self._lexer.interruptible
        is_inert = opens or self._lexer.in_region
        if not is_inert and not self._matcher.consume_token(token):
            raise AdapterError(
                f"token {token} is against the grammar: {_error(self._matcher)}; "
                "choose among the tokens of the mask"
            )
        self._written.append(token)
        self._read(token)
        if is_inert and not self._lexer.in_region:
            self._leave_region()

    def rollback(self, tokens: int) -> None:
        """Take the last tokens back.

        Raises:
            AdapterError: Fewer were written since the runtime last appended something.
        """
        if tokens > len(self._written):
            raise AdapterError(
                f"cannot take {counted(tokens, 'token')} back: {len(self._written)} written since the "
                "runtime last appended something"
            )
        kept = self._written[: len(self._written) - tokens]
        if tokens:
            self._begin_segment()
            for token in kept:
                self.accept(token)

    def appended(self, interrupts: Iterable[Delivery]) -> None:
        """Begin anew: the runtime has appended interrupts, at a safe point.

        Args:
            interrupts: They settle the calls that they name.
        """
        standing = self._standing
        for told in interrupts:
            if told.outcome.kind is not OutcomeKind.PROGRESS:
                standing = standing.settled(told.id, told.outcome.kind)
        self._begun = replace(standing, has_trapped=False)
        self._begin_segment()

    def prompted(self) -> None:
        """Take note that a further turn begins: calls are counted anew. `appended` follows."""
        self._standing = replace(self._standing, before=self._standing.calls)

    def _begin_segment(self) -> None:
        self._standing = self._begun
        self._written: list[int] = []
        self._lexer = make_lexer(self._profile, generated=True)
        self._block = ""
        self._matcher = self._begin_stretch()

    def _read(self, token: int) -> None:
        """Follow the text. Where a call is complete, what it changes holds from its end on."""
        for symbol in self._lexer.feed(self._vocabulary.tokenizer.decode_bytes([token])):
            if symbol.marker in _OPENERS:
                self._block = ""
            self._block += symbol.text
            if symbol.marker is Marker.END:
                self._complete(symbol.offset + len(symbol.text))

    def _leave_region(self) -> None:
        """Go on where the region stood. One token may go over its end."""
        tokenizer = self._vocabulary.tokenizer
        written = tokenizer.decode_bytes(self._written)
        closings = (closing.encode() for _, closing in self._profile.regions)
        rest = min((written.rpartition(closing)[2] for closing in closings), key=len)
        if not self._matcher.consume_tokens(tokenizer.tokenize_bytes(rest)):
            raise AdapterError(f"no text may follow a region so: {_error(self._matcher)}")

    def _complete(self, end: int) -> None:
        """Take note of a block.

        Args:
            end: Where it ends, in characters of what was written since the last append.
        """
        [item] = parse(self._block, self._profile).items
        if isinstance(item, Trap):
            self._standing = replace(self._standing, has_trapped=True)
        elif isinstance(item, Call):
            self._standing = self._standing.called(item)
            written = self._vocabulary.tokenizer.decode_bytes(self._written)
            before = written.decode(errors="replace")[:end].encode()
            self._matcher = self._begin_stretch()
            rest = self._vocabulary.tokenizer.tokenize_bytes(written[len(before) :])
            if not self._matcher.consume_tokens(rest):  # that token went over the end of the call
                raise AdapterError(f"no text may follow a call so: {_error(self._matcher)}")

    def _begin_stretch(self) -> "LLMatcher":
        from llguidance import LLMatcher

        standing, choice = self._standing, self._choice
        stretch = Stretch(
            number=standing.calls + 1,
            required=max(0, choice.required - standing.in_turn),
            at_most=max(0, choice.at_most - standing.in_turn),
            pending=standing.pending,
            earlier=standing.earlier,
            may_trap=not standing.has_trapped,
            body=self._profile.body,
            level=self._level,
            brackets=choice.brackets,
        )
        tokenizer = self._vocabulary.tokenizer
        matcher = LLMatcher(
            tokenizer, stretch_grammar(self._tools, stretch, _is_pattern), log_level=0
        )
        if matcher.is_error():
            raise AdapterError(
                f"the schemas of the tools make no grammar: {_error(matcher)}; "
                "simplify the tool that it names"
            )
        return matcher


def _openings(vocabulary: Vocabulary, profile: Profile) -> frozenset[int]:
    """Return the tokens that open a region by themselves: they stand for a thought, not for prose."""
    spelled = (vocabulary.tokenizer.tokenize_str(opening) for opening, _ in profile.regions)
    return frozenset(tokens[0] for tokens in spelled if len(tokens) == 1)


@cache
def _is_pattern(rule: str) -> bool:
    """Whether the engine can take a pattern: it knows no lookaround."""
    from llguidance import LLMatcher

    found: str = LLMatcher.validate_grammar(f"%llguidance {{}}\nstart: {rule}\n")
    return not found


def _error(matcher: "LLMatcher") -> str:
    """What the engine says, without the grammar that it repeats."""
    said: str = matcher.get_error()
    return said.partition("\n")[0]
