"""How to train, and how far it has come."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Recipe(msgspec.Struct, frozen=True):
    """How to train.

    Args:
        minutes: How long; the rate falls with the clock, whatever the machine manages.
        tokens: On how many tokens instead, if given: then the same comes out on a slower machine.
        rate: The highest learning rate.
        warmup: Which part of the time it rises.
        decay: Which part of the time it falls, at the end.
        rank: Rank of the adapters; 0 trains all weights, and needs a rate some ten times lower.
        scale: What the adapters' product is multiplied with.
        packs: Packed sequences a step.
        longest: The most tokens of a packed sequence.
        clip: The longest gradient.
        seed: Of the adapters' first values.
        checkpoint_s: Seconds between two checkpoints.
        names_apart: Whether names are tokens apart from the space before them (`set_names_apart`).
    """

    minutes: Annotated[float, Meta(gt=0)] = 90.0
    tokens: Annotated[int, Meta(ge=1)] | None = None
    rate: Annotated[float, Meta(gt=0)] = 1e-3
    warmup: float = 0.03
    decay: float = 0.5
    rank: Annotated[int, Meta(ge=0, le=512)] = 32
    scale: float = 2.0
    packs: Annotated[int, Meta(ge=1)] = 2
    longest: int = 640
    clip: float = 1.0
    seed: int = 0
    checkpoint_s: float = 240.0
    names_apart: bool = True


class TrainingProgress(msgspec.Struct, frozen=True):
    """How far it has come.

    Args:
        step: Steps of the optimizer.
        packs: Sequences read.
        dialogues: Dialogues in them.
        tokens: Tokens in them.
        seconds: How long it has trained.
        loss: Of what is learnt, per token, averaged over the last steps.
    """

    step: int = 0
    packs: int = 0
    dialogues: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0


def part_over(recipe: Recipe, progress: TrainingProgress) -> float:
    """Return which part of the training is over, by its tokens or by the clock; 1 or more at the end."""
    if recipe.tokens:
        return progress.tokens / recipe.tokens
    return progress.seconds / (60 * recipe.minutes)


def rate_at(recipe: Recipe, part: float) -> float:
    """Return the learning rate when a part of the time is over: up, level, down to nothing."""
    rising = part / recipe.warmup if recipe.warmup else 1.0
    falling = (1.0 - part) / recipe.decay if recipe.decay else 1.0
    return recipe.rate * max(0.0, min(1.0, rising, falling))
