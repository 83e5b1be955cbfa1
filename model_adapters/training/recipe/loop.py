"""The training loop: one pass over fresh dialogues, and a checkpoint to go on from."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from model_adapters.embedded.speaker.weights import WeightChange
from model_adapters.training.recipe.adapters import begin_with, prepare
from model_adapters.training.recipe.packing import Pack
from model_adapters.training.recipe.plan import Recipe, TrainingProgress, part_over, rate_at

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

CHECKPOINT: Final = "checkpoint.pt"


def train(
    network: "PreTrainedModel",
    packs: Iterable[Pack],
    recipe: Recipe,
    folder: Path,
    tell: Callable[[TrainingProgress], None],
    *,
    start: WeightChange | None = None,
) -> "tuple[dict[str, torch.Tensor], TrainingProgress]":
    """Train until the time, the tokens or the dialogues are over; return what was trained.

    Args:
        network: The weights, which are changed.
        packs: The dialogues: from their beginning, whether or not it goes on from a checkpoint.
        recipe: How.
        folder: Where checkpoints go; one that is there is gone on from.
        tell: Is told of each step.
        start: What an earlier training left, to begin with where there is no checkpoint.

    Raises:
        MissingExtraError: The extra `train` is not installed.
        AdapterError: What it should begin with is of another rank or model.
    """
    import torch

    trained = prepare(network, recipe)
    if start is not None:
        begin_with(trained, start, recipe.scale)
    optimizer = torch.optim.AdamW(
        trained.values(), lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0
    )
    progress = _resume(trained, optimizer, folder)
    saved_s = progress.seconds
    try:
        for batch in _batches(islice(packs, progress.packs, None), recipe.packs):
            began = time.monotonic()
            part = part_over(recipe, progress)
            if part >= 1:
                break
            loss = _add_gradients(network, batch)
            _descend(optimizer, rate_at(recipe, part), recipe.clip)
            progress = _after(progress, batch, loss, time.monotonic() - began)
            tell(progress)
            if progress.seconds - saved_s > recipe.checkpoint_s:
                _save(trained, optimizer, progress, folder)
                saved_s = progress.seconds
    finally:  # Ctrl-C among them
        _save(trained, optimizer, progress, folder)
    return {name: each.detach() for name, each in trained.items()}, progress


def pack_loss(network: "PreTrainedModel", one: Pack) -> "torch.Tensor":
    """Return the loss of a packed sequence, summed over the tokens that are learnt."""
    return token_losses(network, one).sum()


def token_losses(network: "PreTrainedModel", one: Pack) -> "torch.Tensor":
    """Return the loss of each token of a packed sequence that is learnt, in their order."""
    import torch

    place = network.device
    ids, learn = torch.tensor([one.ids], device=place), torch.tensor(one.learn, device=place)
    hidden = network.base_model(
        input_ids=ids,
        attention_mask=one.mask().to(place),
        position_ids=torch.tensor([one.positions], device=place),
        use_cache=False,
    ).last_hidden_state[0]
    # Only what is learnt needs scores; the token before it gives them.
    before = torch.nonzero(learn).squeeze(1) - 1
    scores = network.get_output_embeddings()(hidden[before])  # type: ignore[no-untyped-call]
    return torch.nn.functional.cross_entropy(scores.float(), ids[0][learn], reduction="none")


def _add_gradients(network: "PreTrainedModel", batch: Sequence[Pack]) -> float:
    """Add up the gradients of a batch; return its loss per token that is learnt."""
    import torch

    total = sum(sum(one.learn) for one in batch)
    summed = 0.0
    for one in batch:
        with torch.autocast(network.device.type, torch.bfloat16):
            loss = pack_loss(network, one) / total
        loss.backward()  # type: ignore[no-untyped-call]
        summed += float(loss.detach())
    return summed


def _descend(optimizer: "torch.optim.Optimizer", rate: float, clip: float) -> None:
    """Take a step down the gradients, and forget them."""
    import torch

    for group in optimizer.param_groups:
        group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(group["params"], clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _save(
    trained: "dict[str, torch.nn.Parameter]",
    optimizer: "torch.optim.Optimizer",
    progress: TrainingProgress,
    folder: Path,
) -> None:
    """Write a checkpoint: the whole of it or nothing."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    state = {
        "trained": {name: each.detach() for name, each in trained.items()},
        "optimizer": optimizer.state_dict(),
        "progress": msgspec.to_builtins(progress),
    }
    torch.save(state, folder / f"{CHECKPOINT}.new")
    (folder / f"{CHECKPOINT}.new").replace(folder / CHECKPOINT)


def _resume(
    trained: "dict[str, torch.nn.Parameter]", optimizer: "torch.optim.Optimizer", folder: Path
) -> TrainingProgress:
    import torch

    if not (folder / CHECKPOINT).is_file():
        return TrainingProgress()
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    with torch.no_grad():
        for name, each in trained.items():
            each.copy_(state["trained"][name])
    optimizer.load_state_dict(state["optimizer"])
    return msgspec.convert(state["progress"], TrainingProgress)


def _batches(packs: Iterator[Pack], size: int) -> Iterator[list[Pack]]:
    while batch := [*islice(packs, size)]:
        yield batch


def _after(
    before: TrainingProgress, batch: Sequence[Pack], loss: float, seconds: float
) -> TrainingProgress:
    keep = min(0.95, before.step / (before.step + 1))
    return TrainingProgress(
        before.step + 1,
        before.packs + len(batch),
        before.dialogues + sum(one.dialogues for one in batch),
        before.tokens + sum(len(one.ids) for one in batch),
        before.seconds + seconds,
        keep * before.loss + (1 - keep) * loss,
    )
