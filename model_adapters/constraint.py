"""The mask of constrained decoding: which tokens a model may write next (spec/5-embedding.md).

A constraint sees only what the model writes. Whatever the runtime appends begins a new segment,
whose grammar is made afresh (2 ms): the next free identifier, the calls that are still required
and whether anything is pending are then plain facts of the grammar, and a rewind never reaches
further back than the segment.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from cml import Call, Interrupt, OutcomeKind, parse
from interpreter.tools.signature import ToolSignature
from model_adapters.errors import AdapterError, missing_extra
from model_adapters.mask_grammar import Segment, segment_grammar

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLMatcher, LLTokenizer
    from numpy.typing import NDArray
    from transformers import TokenizersBackend


class ToolChoice(msgspec.Struct, frozen=True):
    """How freely a model may call: `auto` by default, `required` from one call on, `none` at zero.

    Args:
        required: Calls that it has to write before anything else.
        at_most: Calls that it may write in all.
        brackets: Whether its prose may hold square brackets and backslashes. Small models that
            cannot write `[INTR]` else write what looks like it.
    """

    required: int = 0
    at_most: int = 64
    brackets: bool = True


AUTO: Final = ToolChoice()
_CALLS_A_SEGMENT: Final = 16  # a longer segment may write no more; the next one may


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
        AdapterError: llguidance is missing, or cannot read this tokenizer.
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
    """Keeps a model to CML and to the signatures of its tools.

    Args:
        vocabulary: The model's tokens.
        tools: What it may call.
        choice: How freely.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        tools: Sequence[ToolSignature],
        choice: ToolChoice = AUTO,
    ) -> None:
        self._vocabulary = vocabulary
        self._tools = tuple(tools)
        self._choice = choice
        self._calls = 0
        self._pending: set[str] = set()
        self._written: list[int] = []
        self._matcher = self._begin_segment()

    def mask(self) -> "NDArray[np.bool_]":
        """Return which tokens may come next, as a vector of the vocabulary's size.

        An end token may come outside a block only, and not before the required calls. Where the
        grammar leaves one text only, the mask leaves the token that the tokenizer would take.
        """
        import numpy as np

        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        unpacked = np.unpackbits(bits, count=self._vocabulary.size, bitorder="little")
        return unpacked.view(np.bool_)

    def accept(self, token: int) -> None:
        """Take note of a token that the model wrote; an end token is not told.

        Raises:
            AdapterError: The mask does not allow it.
        """
        if not self._matcher.consume_token(token):
            raise AdapterError(
                f"token {token} is against the grammar: {self._matcher.get_error()}; "
                "choose among the tokens of the mask"
            )
        self._written.append(token)

    def rollback(self, tokens: int) -> None:
        """Take the last tokens of this segment back.

        Raises:
            AdapterError: The segment has fewer.
        """
        if tokens > len(self._written):
            raise AdapterError(
                f"cannot take {tokens} tokens back: {len(self._written)} were written since the "
                "runtime last appended something"
            )
        if tokens:
            self._matcher.rollback(tokens)
            del self._written[-tokens:]

    def appended(self, text: str) -> None:
        """Begin a new segment: the runtime has appended this text, at a safe point.

        Args:
            text: Interrupts in it settle the calls that they name.
        """
        self._count_calls()
        self._pending -= {
            item.id
            for item in parse(text).items
            if isinstance(item, Interrupt) and item.outcome is not OutcomeKind.PROGRESS
        }
        self._matcher = self._begin_segment()

    def _count_calls(self) -> None:
        text = self._vocabulary.tokenizer.decode_bytes(self._written).decode(errors="replace")
        names = [item.id for item in parse(text).items if isinstance(item, Call) and item.id]
        self._calls += len(names)
        self._pending.update(names)
        self._written.clear()

    def _begin_segment(self) -> "LLMatcher":
        from llguidance import LLMatcher

        segment = Segment(
            first=self._calls + 1,
            required=max(0, self._choice.required - self._calls),
            at_most=min(_CALLS_A_SEGMENT, max(0, self._choice.at_most - self._calls)),
            pending=bool(self._pending),
            brackets=self._choice.brackets,
        )
        matcher = LLMatcher(
            self._vocabulary.tokenizer, segment_grammar(self._tools, segment), log_level=0
        )
        if matcher.is_error():
            raise AdapterError(
                f"the signatures of the tools make no grammar: {matcher.get_error()}; "
                "simplify the tool that it names"
            )
        return matcher
