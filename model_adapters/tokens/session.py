"""A session on any engine that knows its tokens: one token at a time, chosen here.

A token that the masks leave no choice about is not asked for at all, and is read together with what
follows it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from cml.symbols import Marker
from cml.wording import counted
from interpreter.errors import HostError
from interpreter.events import Delivery
from interpreter.session import (
    CONTEXT_LEFT,
    LOGPROBS,
    MASKS,
    PROMPTS,
    RESTORE,
    SEEDS,
    TOKENS,
    Ability,
    Batch,
    EndOfDecoding,
    Logprob,
    Piece,
)
from model_adapters.constraint.constraint import Constraint
from model_adapters.constraint.guarded import Guarded
from model_adapters.errors import AdapterError
from model_adapters.opening import GREEDY, Sampling
from model_adapters.prompt import Message
from model_adapters.tokens.chat_tokens import block_ids, chat_ids, turn_ids
from model_adapters.tokens.drawing import draw
from model_adapters.tokens.engine import Candidates, TokenContext, TokenModel
from model_adapters.tokens.segment_text import SegmentText, WrittenToken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ABILITIES: Final[frozenset[Ability[object]]] = frozenset(
    {PROMPTS, TOKENS, LOGPROBS, MASKS, SEEDS, CONTEXT_LEFT, RESTORE}
)
"""What every token session can do."""


class TokenSession:
    """One context of a model (see `interpreter.session.Session`).

    Args:
        model: Vocabulary, template and bounds.
        open_context: Opens a context that begins with some tokens.
        messages: The chat so far; the model writes the answer.
        constraint: What it may write; anything when None.
        max_tokens: How many tokens it may write; appended ones do not count.
        sampling: How a token is chosen.
        reserved: The token of each marker, where markers are tokens.

    Raises:
        AdapterError: The model takes no such chat, or the chat is too long for it.
    """

    abilities = ABILITIES

    def __init__(
        self,
        model: TokenModel,
        open_context: Callable[[list[int]], TokenContext],
        messages: Sequence[Message],
        *,
        constraint: Constraint | None = None,
        max_tokens: int = 512,
        sampling: Sampling = GREEDY,
        reserved: Mapping[Marker, int] = MappingProxyType({}),
    ) -> None:
        self._model = model
        self._constraint = constraint
        self._max_tokens = max_tokens
        self._sampling = sampling
        self._reserved = reserved
        self._markers = {token: marker for marker, token in reserved.items()}
        self._begin_turn()
        self._banned: int | None = None
        self._allowed: frozenset[int] | None = None
        self.seed(sampling.seed)
        prompt = chat_ids(model, messages, lambda text: [*self.encode(text)])
        if len(prompt) >= model.context_tokens:
            raise AdapterError(
                f"the prompt has {len(prompt)} tokens and a context of {model.in_words} holds "
                f"{model.context_tokens}; make it shorter"
            )
        self._context = open_context(prompt)
        self._begin_segment()

    def decode(self) -> Piece | EndOfDecoding:
        """Decode one token and keep it in the context (Embed/decode)."""
        if self._decoded >= self._max_tokens or not self.context_left:
            return self._end("length")
        token = self._choose()
        if token in self._model.end_tokens:
            return self._end("stop")
        self._decoded += 1
        written = self._keep(token)
        return Piece(written.text, partial=written.partial, marker=self._markers.get(token))

    def append(self, batch: Batch) -> int:
        """Append interrupts; return their number of tokens (Embed/append).

        What the context has no room for goes in all the same, and the decoding ends there.

        Raises:
            HostError: The context ends inside a character.
        """
        if self._segment.begun:
            raise HostError("Embed/append", "text was appended inside a character; decode first")
        return self._append(self.encode(batch.text), batch.interrupts)

    def prompt(self, text: str) -> int:
        """Append a further question as the chat template has it (Embed/prompts); the model may write
        `max_tokens` anew.

        Raises:
            AdapterError: The template refuses it, or the context has no room for it.
        """
        self._drop(self._segment.begun)
        ids = turn_ids(self._model, text)
        if len(ids) >= self.context_left:
            raise AdapterError(
                f"the chat has {len(self.ids) + len(ids)} tokens with this question, and a context "
                f"of {self._model.in_words} holds {self._model.context_tokens}; begin another one"
            )
        self._begin_turn()
        if self._constraint:
            self._constraint.prompted()
        return self._append(ids, ())

    def rewind(self, characters: int) -> None:
        """Drop the last characters that the model generated (Embed/rewind).

        A token that the cut goes through is written anew with the characters that stay.

        Raises:
            HostError: The model has generated fewer since the last append.
        """
        written = len(self._segment.text)
        if not 0 <= characters <= written:
            raise HostError(
                "Embed/rewind",
                f"{counted(characters, 'character')} to drop, {written} since the last append",
            )
        if not characters:
            return
        cut = self._segment.cut(written - characters)
        self._drop(cut.tokens)
        if cut.put_back:
            self._put_back(self._model.content_ids(cut.put_back), cut.put_back)
        dropped = self._model.content_ids(cut.dropped)
        self._banned = dropped[0] if cut.put_back else cut.first

    def close(self) -> None:
        """Release the context; the weights stay with the model."""
        self._context.close()

    @property
    def guarded(self) -> Guarded | None:
        """What the mask did to this turn; None where there is none."""
        if self._constraint is None:
            return None
        return Guarded(self._decoded - self._restored, self._changed, self._forced)

    # ------------------------------------------------------------------------------- abilities

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the context, prompt included (Embed/tokens)."""
        return tuple(self._context.ids)

    @property
    def control_tokens(self) -> frozenset[int]:
        """The tokens that no content is encoded to (Embed/tokens)."""
        return self._model.end_tokens | self._model.control.keys()

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the tokens that an append of this text makes of it (Embed/tokens)."""
        return tuple(block_ids(self._model, text, self._reserved))

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        """Return the likeliest next tokens, the likeliest first (Embed/logprobs)."""
        return self._context.likeliest(most)

    def allow(self, tokens: Collection[int]) -> None:
        """Have the next decode choose among these tokens only, once (Embed/masks).

        Raises:
            HostError: There is no such token, or none is given.
        """
        size = self._model.vocabulary_size
        if not tokens or not all(0 <= token < size for token in tokens):
            message = f"allow() takes at least one token, each from 0 to {size - 1}"
            raise HostError("Embed/masks", message)
        self._allowed = frozenset(tokens)

    def seed(self, number: int) -> None:
        """Draw from here on as this seed says (Embed/seeds)."""
        import numpy as np

        self._random = np.random.default_rng(number)

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        """Write what another session decoded, as the tokens that its text is encoded to (Embed/restore).
        All of it is read at one go when something is to follow.

        Raises:
            AdapterError: The mask does not allow it.
        """
        self._banned = None
        if isinstance(decoded, EndOfDecoding) or not decoded.text:
            return
        reserved = self._reserved.get(decoded.marker) if decoded.marker else None
        tokens = self._model.content_ids(decoded.text) if reserved is None else [reserved]
        self._decoded += len(tokens)
        self._restored += len(tokens)
        self._put_back(tokens, decoded.text)

    @property
    def context_left(self) -> int:
        """How many more tokens the context can hold (Embed/context-left)."""
        return max(0, self._model.context_tokens - len(self._context.ids))

    # ----------------------------------------------------------------------------------- inside

    def _choose(self) -> int:
        """Choose the next token: by the masks, without the one that was just rewound."""
        mask, is_asked = self._mask(), self._allowed is not None
        self._banned, self._allowed = None, None
        match self._model.vocabulary_size if mask is None else int(mask.sum()):
            case 0:
                raise AdapterError("no token may come next: the masks exclude each other")
            case 1 if mask is not None:  # nothing to compare: it is read with what follows
                self._forced += not is_asked
                found = _only(mask)
            case _:
                found = self._context.candidates(mask)
        self._changed += mask is not None and not mask[found.likeliest]
        return int(found.tokens[draw(found.scores, self._sampling, self._random)])

    def _begin_turn(self) -> None:
        self._decoded = self._restored = self._changed = self._forced = 0

    def _mask(self) -> "NDArray[np.bool_] | None":
        """Return which tokens may come next; None for any."""
        import numpy as np

        if not (self._constraint or self._allowed or self._markers or self._banned is not None):
            return None
        size = self._model.vocabulary_size
        mask = self._constraint.mask().copy() if self._constraint else np.ones(size, dtype=np.bool_)
        if self._allowed:
            asked = np.zeros(size, dtype=np.bool_)
            asked[list(self._allowed)] = True
            mask &= asked
        if self._markers:
            # Nothing that a model writes is an interrupt, and no marker cuts a character in two.
            barred = self._markers if self._segment.begun else [self._reserved[Marker.INTR]]
            mask[list(barred)] = False
        if self._banned is not None and mask.sum() > 1:
            mask[self._banned] = False
        return mask

    def _append(self, ids: Sequence[int], interrupts: tuple[Delivery, ...]) -> int:
        self._context.extend(ids)
        self._banned = None  # what was taken back does not follow this
        if self._constraint:
            self._constraint.appended(interrupts)
        self._begin_segment()
        return len(ids)

    def _keep(self, token: int) -> WrittenToken:
        self._accept([token])
        return self._segment.add(token)

    def _put_back(self, tokens: Sequence[int], text: str) -> None:
        self._accept(tokens)
        self._segment.put_back(tokens, text)

    def _accept(self, tokens: Sequence[int]) -> None:
        if self._constraint:
            for token in tokens:
                self._constraint.accept(token)
        self._context.extend(tokens)

    def _drop(self, tokens: int) -> None:
        if tokens:
            self._context.drop(tokens)
            self._segment.drop(tokens)
            if self._constraint:
                self._constraint.rollback(tokens)

    def _end(self, reason: Literal["stop", "length"]) -> EndOfDecoding:
        self._drop(self._segment.begun)  # a character that is only begun: text may follow an end
        return EndOfDecoding(reason)

    def _begin_segment(self) -> None:
        self._segment = SegmentText(self._model.begin_spelling, self._context.ids)


def _only(mask: "NDArray[np.bool_]") -> Candidates:
    """Return the one token of a mask. It is drawn like any: a seed gives the same with and without masks."""
    import numpy as np

    tokens = mask.nonzero()[0]
    return Candidates(tokens, np.zeros(1, dtype=np.float32), int(tokens[0]))
