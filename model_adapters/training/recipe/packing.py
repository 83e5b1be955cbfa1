"""Packing: dialogues that begin alike share what they begin with, in one sequence.

Six dialogues with the same tools need their prompt once. Each sees the shared beginning and itself,
at the positions that it would have alone, so the loss is that of six sequences.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Protocol

import msgspec

from model_adapters.hf.chat_tokens import HfTokenizer
from model_adapters.prompt import Message
from model_adapters.training.data.ideal import Segment
from model_adapters.training.recipe.tokens import DialogueTokens, dialogue_tokens

if TYPE_CHECKING:
    import torch


class SegmentedDialogue(Protocol):
    """A dialogue, drawn or read from a file."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The chat that the context begins with."""
        ...

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The context after it."""
        ...


class Pack(msgspec.Struct, frozen=True):
    """One sequence of several dialogues.

    Args:
        ids: Its tokens, the shared ones first.
        positions: The position of each in its own dialogue.
        branches: Whose each is: 0 is shared, then 1, 2, and so on.
        learn: Which of them the model writes.
        dialogues: How many there are.
    """

    ids: list[int]
    positions: list[int]
    branches: list[int]
    learn: list[bool]
    dialogues: int

    def mask(self) -> "torch.Tensor":
        """Return what each token sees: booleans of the shape (1, 1, tokens, tokens)."""
        import torch

        branch = torch.tensor(self.branches)
        seen = (branch[None, :] == 0) | (branch[None, :] == branch[:, None])
        return torch.tril(seen)[None, None]


def packs_of(
    model: HfTokenizer, dialogues: Iterable[SegmentedDialogue], longest: int
) -> Iterator[Pack]:
    """Pack dialogues, neighbours with the same tools together.

    Args:
        model: Its tokens.
        dialogues: Which.
        longest: As for `pack`.
    """
    alike = groupby(dialogues, key=lambda dialogue: dialogue.messages[0].content)
    groups = (
        [dialogue_tokens(model, each.messages, each.segments) for each in group]
        for _, group in alike
    )
    return pack(groups, longest)


def pack(groups: Iterable[Sequence[DialogueTokens]], longest: int) -> Iterator[Pack]:
    """Pack dialogues.

    Args:
        groups: Dialogues that begin alike: those with the same tools.
        longest: The most tokens of a sequence; a dialogue that is longer stands alone.
    """
    for group in groups:
        packed: list[DialogueTokens] = []
        for dialogue in group:
            if packed and _length([*packed, dialogue]) > longest:
                yield _packed(packed)
                packed = []
            packed.append(dialogue)
        yield _packed(packed)


def _length(group: Sequence[DialogueTokens]) -> int:
    shared = _shared(group)
    return shared + sum(len(tokens.ids) - shared for tokens in group)


def _shared(group: Sequence[DialogueTokens]) -> int:
    """Return how many tokens all begin with; what is learnt follows one that is not shared."""
    shared = min(tokens.learn.index(True) for tokens in group) - 1
    for one, other in pairwise(group):
        limit = min(shared, len(one.ids), len(other.ids))
        shared = next((n for n in range(limit) if one.ids[n] != other.ids[n]), limit)
    return shared


def _packed(group: Sequence[DialogueTokens]) -> Pack:
    shared = _shared(group)
    ids, learn = group[0].ids[:shared], [False] * shared
    positions, branches = list(range(shared)), [0] * shared
    for number, tokens in enumerate(group, start=1):
        own = len(tokens.ids) - shared
        ids = ids + tokens.ids[shared:]
        learn = learn + tokens.learn[shared:]
        positions += range(shared, len(tokens.ids))
        branches += [number] * own
    return Pack(ids, positions, branches, learn, len(group))
