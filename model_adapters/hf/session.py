"""A session on a model of the transformers package, with a decoding loop of its own.

`HfSession.decode` is the loop's body: one token at a time, on one growing cache. What the runtime
appends goes through the model in one pass, together with the last token that it has not read yet:
nothing is computed twice.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from cml.profile import Spelling
from cml.symbols import Marker
from interpreter.errors import HostError
from interpreter.events import Delivery
from interpreter.schedule.data.measured import ContextMoves, Measurement
from interpreter.session import (
    CONTEXT_LEFT,
    COSTS,
    LOGPROBS,
    MASKS,
    PROMPTS,
    SEEDS,
    SUSPEND,
    TOKENS,
    Ability,
    Batch,
    DecodingCosts,
    EndOfDecoding,
    Logprob,
    Piece,
    Suspended,
)
from model_adapters.constraint.constraint import Constraint
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import chat_ids, content_ids, control_tokens, turn_ids
from model_adapters.hf.choosing import choose
from model_adapters.hf.kv_context import KvContext
from model_adapters.hf.marker_tokens import block_ids, marker_tokens
from model_adapters.hf.model import HfModel
from model_adapters.hf.suspending import TrappedContext, measure_moves
from model_adapters.opening import GREEDY, AtTrap, Sampling
from model_adapters.prompt import Message
from model_adapters.tokens.segment_text import SegmentText, WrittenToken

if TYPE_CHECKING:
    import torch


_ALWAYS: Final[frozenset[Ability[object]]] = frozenset(
    {PROMPTS, SUSPEND, TOKENS, LOGPROBS, MASKS, SEEDS, CONTEXT_LEFT}
)


class HfSession:
    """One context of a model (see `interpreter.session.Session`).

    Args:
        model: The weights, shared with other sessions.
        messages: The chat so far; the model writes the answer.
        constraint: What it may write; anything when None.
        max_tokens: How many tokens it may write; appended ones do not count.
        sampling: How a token is chosen.
        at_trap: What becomes of the context while a turn is trapped; `auto` is what is cheapest, by
            what was measured.
        measured: What it costs here (`cml calibrate`); without it `auto` keeps every context.
        markers: How markers are spelled; as tokens, the model has five for them
            (`with_marker_tokens`).

    Raises:
        AdapterError: The model takes no such chat, or the chat is too long for it.
    """

    def __init__(
        self,
        model: HfModel,
        messages: Sequence[Message],
        *,
        constraint: Constraint | None = None,
        max_tokens: int = 512,
        sampling: Sampling = GREEDY,
        at_trap: AtTrap = "auto",
        measured: Measurement | None = None,
        markers: Spelling = Spelling.TEXT,
    ) -> None:
        import torch

        self.abilities = _ALWAYS | {COSTS} if measured else _ALWAYS
        self._model = model
        self._measured = measured
        self._constraint = constraint
        self._max_tokens = max_tokens
        self._sampling = sampling
        self._random = torch.Generator().manual_seed(sampling.seed)
        is_token = markers is Spelling.TOKEN
        self._reserved = marker_tokens(model.tokenizer) if is_token else {}
        self._markers = {token: marker for marker, token in self._reserved.items()}
        prompt = chat_ids(model.tokenizer, messages, partial(block_ids, reserved=self._reserved))
        if len(prompt) >= model.context_tokens:
            raise AdapterError(
                f"the prompt has {len(prompt)} tokens and {model.name} reads at most "
                f"{model.context_tokens}; make it shorter"
            )
        self._context = KvContext(model.network, model.device, prompt, model.threads)
        self._trapped = TrappedContext(self._context, at_trap, measured.moves if measured else None)
        self._decoded = 0
        self._banned: int | None = None
        self._allowed: frozenset[int] = frozenset()
        self._begin_segment()

    def decode(self) -> Piece | EndOfDecoding:
        """Decode one token and keep it in the context (Embed/decode)."""
        if self._decoded >= self._max_tokens or not self.context_left:
            return self._end("length")
        token = self._choose(self._context.scores())
        if token in self._model.end_tokens:
            return self._end("stop")
        self._decoded += 1
        written = self._keep(token)
        return Piece(written.text, partial=written.partial, marker=self._markers.get(token))

    def append(self, batch: Batch) -> int:
        """Append interrupts; return their number of tokens (Embed/append).

        Raises:
            HostError: The context ends inside a character.
        """
        if self._segment.begun:
            raise HostError("Embed/append", "text was appended inside a character; decode first")
        return self._append([*self.encode(batch.text)], batch.interrupts)

    def prompt(self, text: str) -> int:
        """Append a further question as the chat template has it (Embed/prompt); the model may write
        `max_tokens` anew.

        Raises:
            AdapterError: The template refuses it, or the context has no room for it.
        """
        self._drop(self._segment.begun)
        ids = turn_ids(self._model.tokenizer, text)
        if len(self._context.ids) + len(ids) >= self._model.context_tokens:
            raise AdapterError(
                f"the chat has {len(self._context.ids) + len(ids)} tokens with this question, and "
                f"{self._model.name} reads at most {self._model.context_tokens}; begin another one"
            )
        self._decoded = 0
        return self._append(ids, ())

    def _append(self, ids: list[int], interrupts: tuple[Delivery, ...]) -> int:
        self._context.ids += ids
        if self._constraint:
            self._constraint.appended(interrupts)
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
        if cut.put_back:
            self._put_back(content_ids(self._model.tokenizer, cut.put_back), cut.put_back)
        dropped = content_ids(self._model.tokenizer, cut.dropped)
        self._banned = dropped[0] if cut.put_back else cut.first

    def close(self) -> None:
        """Release the context; the weights stay with the model."""
        self._context.clear()

    # ------------------------------------------------------------------------------- abilities

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the context, prompt included (Embed/tokens)."""
        return tuple(self._context.ids)

    @property
    def control_tokens(self) -> frozenset[int]:
        """The tokens that no content is encoded to (Embed/tokens)."""
        return self._model.end_tokens | control_tokens(self._model.tokenizer).keys()

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the tokens that an append of this text makes of it (Embed/tokens)."""
        return tuple(block_ids(self._model.tokenizer, text, self._reserved))

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        """Return the likeliest next tokens, the likeliest first (Embed/logprobs)."""
        scores = self._context.scores().log_softmax(dim=-1)
        values, tokens = scores.topk(min(most, len(scores)))
        return tuple(map(Logprob, tokens.tolist(), values.tolist()))

    def allow(self, tokens: Collection[int]) -> None:
        """Have the next decode choose among these tokens only, once (Embed/masks).

        Raises:
            HostError: There is no such token, or none is given.
        """
        size = self._model.network.config.get_text_config().vocab_size
        if not tokens or not all(0 <= token < size for token in tokens):
            message = f"allow() takes at least one token, each from 0 to {size - 1}"
            raise HostError("Embed/masks", message)
        self._allowed = frozenset(tokens)

    def seed(self, number: int) -> None:
        """Draw from here on as this seed says (Embed/seeds)."""
        self._random.manual_seed(number)

    @property
    def context_left(self) -> int:
        """How many more tokens the context can hold (Embed/context-left)."""
        return max(0, self._model.context_tokens - len(self._context.ids))

    @property
    def costs(self) -> DecodingCosts:
        """What was measured of this model on this machine (Embed/costs).

        Raises:
            HostError: Nothing was; then the ability is not declared.
        """
        if self._measured is None:
            raise HostError("Embed/abilities", "nothing was measured of this model")
        return self._measured.decoding

    def suspend(self, wait_us: int | None) -> Suspended:
        """Let the context go, or not (Embed/suspend)."""
        return self._trapped.suspend(wait_us)

    def resume(self) -> None:
        """Have the context back (Embed/suspend)."""
        self._trapped.resume()

    def measure_moves(self) -> ContextMoves:
        """Measure what it takes to let this context go and to have it back (`cml calibrate`)."""
        return measure_moves(self._context)

    # ----------------------------------------------------------------------------------- inside

    def _choose(self, scores: "torch.Tensor") -> int:
        """Choose the next token: by the mask, without the one that was just rewound."""
        import torch

        if self._constraint:
            scores[torch.from_numpy(~self._constraint.mask())] = -torch.inf
        if self._allowed:
            others = torch.ones_like(scores, dtype=torch.bool)
            others[list(self._allowed)] = False
            scores[others] = -torch.inf
            self._allowed = frozenset()
        if self._banned is not None and int((scores > -torch.inf).sum()) > 1:
            scores[self._banned] = -torch.inf
        self._banned = None
        if self._markers:
            # Nothing that a model writes is an interrupt, and no marker cuts a character in two.
            barred = self._markers if self._segment.begun else [self._reserved[Marker.INTR]]
            scores[list(barred)] = -torch.inf
        return choose(scores, self._sampling, self._random)

    def _keep(self, token: int) -> WrittenToken:
        if self._constraint:
            self._constraint.accept(token)
        self._context.ids.append(token)
        return self._segment.add(token)

    def _put_back(self, tokens: Sequence[int], text: str) -> None:
        if self._constraint:
            for token in tokens:
                self._constraint.accept(token)
        self._context.ids += tokens
        self._segment.put_back(tokens, text)

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
