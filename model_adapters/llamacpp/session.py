"""A session on a GGUF file: one token at a time, chosen here.

llama.cpp tells the likeliest tokens, the session chooses among them. A token that the grammar leaves
no choice about is not asked for at all, and is read together with what follows it. (With a driver's
mask of one token it is asked for all the same: tokens that are read together have scores a little
other than one by one, and no ability may change what follows.)
"""

import random
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from itertools import accumulate
from math import exp
from typing import TYPE_CHECKING, Final, Literal

from interpreter.errors import HostError
from interpreter.session import (
    CONTEXT_LEFT,
    LOGPROBS,
    MASKS,
    SEEDS,
    TOKENS,
    Ability,
    Batch,
    EndOfDecoding,
    Logprob,
    Piece,
)
from model_adapters.constraint.constraint import Constraint
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.model import GgufModel
from model_adapters.opening import GREEDY, Sampling
from model_adapters.prompt import Message
from model_adapters.tokens.segment_text import SegmentText, WrittenToken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ASKED: Final = 40
"""How many of the likeliest tokens are asked for: what llama.cpp itself samples from."""

_ASKED_NEXT: Final = 2_000
"""How many where the mask allows none of those; where it allows none of these either, all are."""


class LlamaCppSession:
    """One context of a GGUF model (see `interpreter.session.Session`).

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

    abilities: frozenset[Ability[object]] = frozenset(
        {TOKENS, LOGPROBS, MASKS, SEEDS, CONTEXT_LEFT}
    )

    def __init__(
        self,
        model: GgufModel,
        messages: Sequence[Message],
        *,
        constraint: Constraint | None = None,
        max_tokens: int = 512,
        sampling: Sampling = GREEDY,
    ) -> None:
        self._model = model
        self._constraint = constraint
        self._max_tokens = max_tokens
        self._sampling = sampling
        self._random = random.Random(sampling.seed)  # noqa: S311  a model's choice is no secret
        self._ids = model.chat_ids(messages)
        if self.context_left <= 0:
            raise AdapterError(
                f"the prompt has {len(self._ids)} tokens and a context of {model.in_words} holds "
                f"{model.context_tokens}; make it shorter"
            )
        self._resources = ExitStack()
        self._context = self._resources.enter_context(model.context())
        self._scores: tuple[Logprob, ...] | None = None
        self._decoded = 0
        self._banned: int | None = None
        self._allowed: frozenset[int] | None = None
        self._begin_segment()

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the context, prompt included (Embed/tokens)."""
        return tuple(self._ids)

    @property
    def control_tokens(self) -> frozenset[int]:
        """The tokens that no content is encoded to (Embed/tokens)."""
        return frozenset(self._model.tokens.control)

    @property
    def context_left(self) -> int:
        """How many more tokens the context can hold (Embed/context-left)."""
        return max(0, self._model.context_tokens - len(self._ids))

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the tokens that an append of this text makes of it (Embed/tokens)."""
        return tuple(self._model.content_ids(text))

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        """Return the likeliest next tokens, the likeliest first (Embed/logprobs)."""
        own = self._likeliest()
        if most <= len(own):
            return own[:most]
        return self._model.engine.likeliest(self._ids, self._context, most)

    def allow(self, tokens: Collection[int]) -> None:
        """Have the next decode choose among these tokens only (Embed/masks).

        Raises:
            HostError: There is no such token, or none is given.
        """
        size = len(self._model.tokens.spelled)
        if not tokens or not all(0 <= token < size for token in tokens):
            message = f"allow() takes at least one token, each from 0 to {size - 1}"
            raise HostError("Embed/masks", message)
        self._allowed = frozenset(tokens)

    def seed(self, number: int) -> None:
        """Draw from here on as this seed says (Embed/seeds)."""
        self._random.seed(number)

    def decode(self) -> Piece | EndOfDecoding:
        """Decode one token and keep it in the context (Embed/decode)."""
        if self._decoded >= self._max_tokens or not self.context_left:
            return self._end("length")
        token = self._choose()
        if token in self._model.tokens.ends:
            return self._end("stop")
        self._decoded += 1
        written = self._keep(token)
        return Piece(written.text, partial=written.partial)

    def append(self, batch: Batch) -> int:
        """Append interrupts; return their number of tokens (Embed/append).

        What the context has no room for goes in all the same, and the decoding ends there.

        Raises:
            HostError: The context ends inside a character.
        """
        if self._segment.begun:
            raise HostError("Embed/append", "text was appended inside a character; decode first")
        ids = self._model.content_ids(batch.text)
        self._extend(ids)
        if self._constraint:
            self._constraint.appended(batch.interrupts)
        self._begin_segment()
        return len(ids)

    def rewind(self, characters: int) -> None:
        """Drop the last characters that the model generated (Embed/rewind).

        A token that the cut goes through is written anew with the characters that stay.

        Raises:
            HostError: The model has generated fewer since the last append.
        """
        written = len(self._segment.text)
        if not 0 <= characters <= written:
            raise HostError(
                "Embed/rewind", f"{characters} characters to drop, {written} since the last append"
            )
        if not characters:
            return
        cut = self._segment.cut(written - characters)
        self._drop(cut.tokens)
        if put_back := self._model.content_ids(cut.put_back):
            self._put_back(put_back, cut.put_back)
        dropped = self._model.content_ids(cut.dropped)
        self._banned = dropped[0] if cut.put_back else cut.first

    def close(self) -> None:
        """Give the context back; the weights stay with the model."""
        self._resources.close()

    def _likeliest(self) -> tuple[Logprob, ...]:
        """Return what may come next, computed once: a second time it is a little other."""
        if self._scores is None:
            self._scores = self._model.engine.likeliest(self._ids, self._context, _ASKED)
        return self._scores

    def _choose(self) -> int:
        """Choose the next token: by the masks, without the one that was just rewound."""
        mask, banned, is_asked = self._mask(), self._banned, self._allowed is not None
        self._banned, self._allowed = None, None
        if mask is None:
            return self._draw([scored for scored in self._likeliest() if scored.token != banned])
        if banned is not None and mask.sum() > 1:
            mask[banned] = False
        if mask.sum() == 1 and not is_asked:
            return int(mask.argmax())
        for most in (_ASKED, _ASKED_NEXT, len(mask)):
            if fitting := [scored for scored in self.logprobs(most) if mask[scored.token]]:
                return self._draw(fitting)
        raise AdapterError("no token may come next: the masks exclude each other")

    def _mask(self) -> "NDArray[np.bool_] | None":
        """Return which tokens may come next; None for any."""
        if self._allowed is None:
            return self._constraint.mask().copy() if self._constraint else None
        import numpy as np

        asked = np.zeros(len(self._model.tokens.spelled), dtype=np.bool_)
        asked[list(self._allowed)] = True
        return asked & self._constraint.mask() if self._constraint else asked

    def _draw(self, scored: Sequence[Logprob]) -> int:
        """Draw one of some tokens, the likeliest first: by temperature, then top_k, then top_p."""
        if self._sampling.temperature <= 0:
            return scored[0].token
        likeliest = scored[: self._sampling.top_k]
        best, temperature = scored[0].logprob, self._sampling.temperature
        weights = [exp((each.logprob - best) / temperature) for each in likeliest]
        up_to = self._sampling.top_p * sum(weights)
        before = accumulate(weights, initial=0.0)  # the first always stays
        kept = [
            w if sum_before < up_to else 0.0 for w, sum_before in zip(weights, before, strict=False)
        ]
        [drawn] = self._random.choices(likeliest, kept)
        return drawn.token

    def _extend(self, tokens: Sequence[int]) -> None:
        self._ids += tokens
        self._scores = None

    def _keep(self, token: int) -> WrittenToken:
        if self._constraint:
            self._constraint.accept(token)
        self._extend([token])
        return self._segment.add(token)

    def _put_back(self, tokens: Sequence[int], text: str) -> None:
        for token in tokens:
            if self._constraint:
                self._constraint.accept(token)
        self._extend(tokens)
        self._segment.put_back(tokens, text)

    def _drop(self, tokens: int) -> None:
        if tokens:
            del self._ids[len(self._ids) - tokens :]
            self._scores = None
            self._segment.drop(tokens)
            if self._constraint:
                self._constraint.rollback(tokens)

    def _end(self, reason: Literal["stop", "length"]) -> EndOfDecoding:
        self._drop(self._segment.begun)  # a character that is only begun: text may follow an end
        return EndOfDecoding(reason)

    def _begin_segment(self) -> None:
        self._segment = SegmentText(self._model.begin_spelling, self._ids)
