"""A session on a GGUF file: llama.cpp tells the likeliest tokens, the session chooses among them."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from interpreter.session import Logprob
from model_adapters.constraint.constraint import Constraint
from model_adapters.llamacpp.model import GgufModel
from model_adapters.opening import GREEDY, LOG, Sampling
from model_adapters.prompt import Message
from model_adapters.tokens.engine import Candidates
from model_adapters.tokens.session import TokenSession

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ASKED: Final = 40
"""How many of the likeliest tokens are asked for: what llama.cpp itself samples from."""

_ASKED_NEXT: Final = 2_000
"""How many where the mask allows none of those; where it allows none of these either, all are."""


class LlamaCppSession(TokenSession):
    """One context of a GGUF model (see `TokenSession`).

    Args:
        model: The weights.
        messages: The chat so far; the model writes the answer.
        constraint: What it may write; anything when None.
        max_tokens: How many tokens it may write; appended ones do not count.
        sampling: How a token is chosen; by chance, it is one of the 40 likeliest, as far as the
            mask allows one of them.

    Raises:
        AdapterError: The model takes no such chat, the chat is too long for it, or all its contexts
            are taken.
    """

    def __init__(
        self,
        model: GgufModel,
        messages: Sequence[Message],
        *,
        constraint: Constraint | None = None,
        max_tokens: int = 512,
        sampling: Sampling = GREEDY,
    ) -> None:
        super().__init__(
            model,
            partial(LlamaCppContext, model),
            messages,
            constraint=constraint,
            max_tokens=max_tokens,
            sampling=sampling,
        )


class LlamaCppContext:
    """Tokens of which llama.cpp keeps what it has read (see `TokenContext`).

    Args:
        model: The weights.
        ids: The tokens of the prompt.

    Raises:
        AdapterError: All contexts of the model are taken.
    """

    def __init__(self, model: GgufModel, ids: list[int]) -> None:
        self.ids = ids
        self._model = model
        self._resources = ExitStack()
        self._number = self._resources.enter_context(model.context())
        self._scores: tuple[Logprob, ...] | None = None
        self._is_read = False

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens at the end."""
        self.ids += tokens
        self._scores = None

    def drop(self, tokens: int) -> None:
        """Take the last tokens back."""
        del self.ids[len(self.ids) - tokens :]
        self._scores = None

    def candidates(self, mask: "NDArray[np.bool_] | None") -> Candidates:
        """Return those of the 40 likeliest tokens that may come; more where none of them may.

        Args:
            mask: Which may, shape (vocabulary,); None for any.
        """
        fitting: list[Logprob] = []
        for most in (_ASKED, _ASKED_NEXT, self._model.vocabulary_size):
            fitting = [each for each in self.likeliest(most) if mask is None or mask[each.token]]
            if fitting:
                break
        return _candidates(fitting, self.likeliest(1)[0].token)

    def likeliest(self, most: int) -> tuple[Logprob, ...]:
        """Return the tokens that are the likeliest to come next, the likeliest first.

        The first 40 are computed once: a second time they are a little other.

        Args:
            most: How many; fewer where there are not so many.
        """
        if not self._is_read:
            self._is_read = True
            LOG.info("reading the prompt, %d tokens", len(self.ids))
        if self._scores is None:
            self._scores = self._model.engine.likeliest(self.ids, self._number, _ASKED)
        if most <= len(self._scores):
            return self._scores[:most]
        return self._model.engine.likeliest(self.ids, self._number, most)

    def close(self) -> None:
        """Give the context back; the weights stay with the model."""
        self._resources.close()


def _candidates(scored: Sequence[Logprob], likeliest: int) -> Candidates:
    import numpy as np

    return Candidates(
        np.array([each.token for each in scored], dtype=np.int64),
        np.array([each.logprob for each in scored], dtype=np.float32),
        likeliest,
    )
