"""The mask of constrained decoding: which tokens a model may write next (spec/5-embedding.md).

It follows what the model writes (`Following`), and makes the grammar of each new stretch afresh (2 ms).
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from cml.profile import Profile
from cml.wording import counted
from interpreter.errors import missing_extra
from interpreter.events import Delivery
from interpreter.tools.declared import Tool
from model_adapters.constraint.following import AUTO, Following, ToolChoice
from model_adapters.errors import AdapterError

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLMatcher, LLTokenizer
    from numpy.typing import NDArray
    from transformers import TokenizersBackend


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
        self._following = Following(tools, choice, profile)
        self._openings = _openings(vocabulary, self._following.profile)
        self._begin_segment()

    def mask(self) -> "NDArray[np.bool_]":
        """Return which tokens may come next, as a vector of the vocabulary's size.

        An end token may come outside a block only, and not before the required calls. Where the
        grammar leaves one text only, the mask leaves the token that the tokenizer would take. A
        region may open wherever no block is open, and inside it anything may come.
        """
        import numpy as np

        if self._following.in_region:
            return np.ones(self._vocabulary.size, dtype=np.bool_)
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        unpacked = np.unpackbits(bits, count=self._vocabulary.size, bitorder="little")
        if self._openings and self._following.interruptible:
            unpacked[list(self._openings)] = 1
        return unpacked.view(np.bool_)

    def accept(self, token: int) -> None:
        """Take note of a token that the model wrote; an end token is not told.

        Raises:
            AdapterError: The mask does not allow it.
        """
        opens = token in self._openings and self._following.interruptible
        is_inert = opens or self._following.in_region
        if not is_inert and not self._matcher.consume_token(token):
            raise AdapterError(
                f"token {token} is against the grammar: {_error(self._matcher)}; "
                "choose among the tokens of the mask"
            )
        self._written.append(token)
        self._read(token)
        if is_inert and not self._following.in_region:
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
        self._following.appended(interrupts)
        self._begin_segment()

    def prompted(self) -> None:
        """Take note that a further turn begins: calls are counted anew. `appended` follows."""
        self._following.prompted()

    def _begin_segment(self) -> None:
        self._following.begin_segment()
        self._written: list[int] = []
        self._matcher = self._begin_stretch()

    def _read(self, token: int) -> None:
        """Follow the text. Where a call is complete, another stretch begins, which one token may go into."""
        tokenizer = self._vocabulary.tokenizer
        end = self._following.read(tokenizer.decode_bytes([token]))
        if end is None:
            return
        written = tokenizer.decode_bytes(self._written)
        before = written.decode(errors="replace")[:end].encode()
        self._matcher = self._begin_stretch()
        if not self._matcher.consume_tokens(tokenizer.tokenize_bytes(written[len(before) :])):
            raise AdapterError(f"no text may follow a call so: {_error(self._matcher)}")

    def _leave_region(self) -> None:
        """Go on where the region stood. One token may go over its end."""
        tokenizer = self._vocabulary.tokenizer
        written = tokenizer.decode_bytes(self._written)
        closings = (closing.encode() for _, closing in self._following.profile.regions)
        rest = min((written.rpartition(closing)[2] for closing in closings), key=len)
        if not self._matcher.consume_tokens(tokenizer.tokenize_bytes(rest)):
            raise AdapterError(f"no text may follow a region so: {_error(self._matcher)}")

    def _begin_stretch(self) -> "LLMatcher":
        from llguidance import LLMatcher

        grammar = self._following.grammar(_is_pattern)
        matcher = LLMatcher(self._vocabulary.tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise _no_grammar(matcher.get_error())
        return matcher


def _openings(vocabulary: Vocabulary, profile: Profile) -> frozenset[int]:
    """Return the tokens that open a region by themselves: they stand for a thought, not for prose."""
    spelled = (vocabulary.tokenizer.tokenize_str(opening) for opening, _ in profile.regions)
    return frozenset(tokens[0] for tokens in spelled if len(tokens) == 1)


def checked_grammar(following: Following) -> str:
    """Return the grammar of a stretch, for an engine elsewhere.

    Raises:
        MissingExtraError: llguidance, which checks it, is not installed.
        AdapterError: The schemas of the tools make no grammar.
    """
    try:
        from llguidance import LLMatcher
    except ImportError as error:
        raise missing_extra("openai", error) from error
    grammar = following.grammar(_is_pattern)
    if found := LLMatcher.validate_grammar(grammar):
        raise _no_grammar(found)
    return grammar


@cache
def _is_pattern(rule: str) -> bool:
    """Whether the engine can take a pattern: it knows no lookaround."""
    from llguidance import LLMatcher

    found: str = LLMatcher.validate_grammar(f"%llguidance {{}}\nstart: {rule}\n")
    return not found


def _no_grammar(said: str) -> AdapterError:
    return AdapterError(
        f"the schemas of the tools make no grammar: {_first_line(said)}; "
        "simplify the tool that it names"
    )


def _error(matcher: "LLMatcher") -> str:
    return _first_line(matcher.get_error())


def _first_line(said: str) -> str:
    """What the engine says, without the grammar that it repeats."""
    return said.partition("\n")[0]
