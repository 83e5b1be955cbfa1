"""What a token session asks of an engine: a model that knows its tokens, and contexts of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from interpreter.session import Logprob
from model_adapters.tokens.chat_parts import Chat
from model_adapters.tokens.segment_text import TokenSpelling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tokenizer(Protocol):
    """From what is said to tokens."""

    def content_ids(self, text: str) -> list[int]:
        """Return the tokens of a text that comes from outside: ordinary ones, whatever it spells."""
        ...

    def template_ids(self, text: str) -> list[int]:
        """Return the tokens of what the chat template itself writes, control tokens among them."""
        ...

    def render(self, chat: Chat) -> str:
        """Return a chat as the template spells it, up to where the model's answer begins.

        Raises:
            AdapterError: There is no template, or it refuses the chat.
        """
        ...


class TokenModel(Tokenizer, Protocol):
    """Vocabulary, chat template and bounds of a model; any number of sessions share it."""

    @property
    def in_words(self) -> str:
        """What decodes, and how."""
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens a context holds."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are: the length of a mask."""
        ...

    @property
    def end_tokens(self) -> frozenset[int]:
        """The tokens that end an answer."""
        ...

    @property
    def control(self) -> Mapping[int, str]:
        """The tokens that no content becomes, with their spellings."""
        ...

    def begin_spelling(self, before: Sequence[int]) -> TokenSpelling:
        """Return what tells the characters of tokens one by one (`SegmentText`).

        Args:
            before: The tokens before them.
        """
        ...


class Candidates(msgspec.Struct, frozen=True):
    """Tokens that one is drawn from.

    Args:
        tokens: Their ids, shape (candidates,).
        scores: How likely each is: logits or logarithms of probabilities, float32, of that shape.
        likeliest: The token that would be the likeliest if any could come.
    """

    tokens: "NDArray[np.int64]"
    scores: "NDArray[np.float32]"
    likeliest: int


class TokenContext(Protocol):
    """The tokens of one session, and what may come after them.

    What is added is read when something is asked that depends on it, all at once.
    """

    @property
    def ids(self) -> Sequence[int]:
        """The tokens, prompt included."""
        ...

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens at the end."""
        ...

    def drop(self, tokens: int) -> None:
        """Take the last tokens back.

        Args:
            tokens: How many, at least one; the prompt's first stays.
        """
        ...

    def candidates(self, mask: "NDArray[np.bool_] | None") -> Candidates:
        """Return what the next token is drawn from: the likeliest of it at least.

        Args:
            mask: Which tokens may come, at least one, shape (vocabulary,); None for any.
        """
        ...

    def likeliest(self, most: int) -> tuple[Logprob, ...]:
        """Return the tokens that are the likeliest to come next, the likeliest first, unmasked.

        Args:
            most: How many; fewer where there are not so many.
        """
        ...

    def close(self) -> None:
        """Release what the context holds; the weights stay with the model."""
        ...
