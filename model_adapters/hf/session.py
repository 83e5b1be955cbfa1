"""A session on a model of the transformers package."""

from collections.abc import Sequence
from typing import Final

from cml.profile import Spelling
from interpreter.errors import HostError
from interpreter.schedule.data.measured import ContextMoves, Measurement
from interpreter.session import (
    COSTS,
    SUSPEND,
    Ability,
    DecodingCosts,
    EndOfDecoding,
    Piece,
    Suspended,
)
from model_adapters.constraint.constraint import Constraint
from model_adapters.hf.alone import Alone
from model_adapters.hf.batch import DecodingBatch
from model_adapters.hf.kv_context import KvContext
from model_adapters.hf.marker_tokens import marker_tokens
from model_adapters.hf.model import HfModel
from model_adapters.hf.suspending import TrappedContext, measure_moves
from model_adapters.opening import GREEDY, AtTrap, Sampling
from model_adapters.prompt import Message
from model_adapters.tokens.session import ABILITIES, TokenSession

_ALWAYS: Final[frozenset[Ability[object]]] = ABILITIES | {SUSPEND}


class HfSession(TokenSession):
    """One context of a model, which may let go of it while a turn is trapped (see `TokenSession`).

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
        batch: Decodes it together with others; None decodes it alone.

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
        batch: DecodingBatch | None = None,
    ) -> None:
        self.abilities = _ALWAYS | {COSTS} if measured else _ALWAYS
        self._measured = measured
        moves = measured.moves if measured else None

        def open_context(prompt: list[int]) -> KvContext:
            context = KvContext(prompt, batch or Alone(model))
            self._kv, self._trapped = context, TrappedContext(context, at_trap, moves)
            return context

        super().__init__(
            model,
            open_context,
            messages,
            constraint=constraint,
            max_tokens=max_tokens,
            sampling=sampling,
            reserved=marker_tokens(model.tokenizer) if markers is Spelling.TOKEN else {},
        )

    def decode(self) -> Piece | EndOfDecoding:
        """Decode one token and keep it in the context (Embed/decode)."""
        decoded = super().decode()
        if isinstance(decoded, EndOfDecoding):
            self._kv.leave()
        return decoded

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
        self._kv.leave()
        return self._trapped.suspend(wait_us)

    def resume(self) -> None:
        """Have the context back (Embed/suspend)."""
        self._trapped.resume()

    def measure_moves(self) -> ContextMoves:
        """Measure what it takes to let this context go and to have it back (`cml calibrate`)."""
        return measure_moves(self._kv)
