"""What training leaves behind: adapters for others, the change in 8 bits for `cml run`, a card."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from cml.terminal.foreign import markdown_text
from model_adapters.embedded.speaker.spelling import APART
from model_adapters.embedded.speaker.weights import WEIGHTS_NAME, write_weights
from model_adapters.training.recipe.adapters import factors
from model_adapters.training.recipe.plan import Recipe, TrainingProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from transformers import PreTrainedModel

CARD: Final = "README.md"


def write_result(
    folder: Path,
    network: "PreTrainedModel",
    trained: "Mapping[str, torch.Tensor]",
    *,
    recipe: Recipe,
    progress: TrainingProgress,
    base: str,
    how: str,
) -> tuple[Path, ...]:
    """Write what was trained; return the files.

    Args:
        folder: Where to.
        network: The model; written whole where all its weights were trained.
        trained: What `train` returned.
        recipe: How it was trained.
        progress: How far.
        base: The name of the model that it began with.
        how: The command that did it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).write_text(model_card(recipe, progress, base, how), encoding="utf-8")
    if not recipe.rank:
        network.save_pretrained(folder)
        return folder / CARD, folder / "config.json"
    about = {
        "name": f"{base}-CML",
        "base": base,
        "names": APART if recipe.names_apart else "joined",
        "dialogues": str(progress.dialogues),
        "how": how,
    }
    write_weights(folder / WEIGHTS_NAME, factors(dict(trained), recipe.scale), about)
    return folder / CARD, folder / WEIGHTS_NAME


def model_card(recipe: Recipe, progress: TrainingProgress, base: str, how: str) -> str:
    """Return the card of a trained model, in Markdown."""
    what = f"adapters of rank {recipe.rank} on all linear layers" if recipe.rank else "all weights"
    return f"""# {markdown_text(base)}-CML

{markdown_text(base)}, trained to call functions asynchronously in CML.

- Trained: {what}, on the machine-made dialogues of `cml dataset` (Apache-2.0), one pass.
- Dialogues: {progress.dialogues:,}; tokens: {progress.tokens:,}; steps: {progress.step:,}.
- Time: {progress.seconds / 60:.0f} minutes. Loss at the end: {progress.loss:.3f} a token.
- Rate: {recipe.rate:g}, up for {recipe.warmup:.0%} of the time, down for the last {recipe.decay:.0%};
  {recipe.packs} packs of at most {recipe.longest} tokens a step; seed {recipe.seed}.
- Made by: {markdown_text(how)}
- Licence: Apache-2.0, as that of the model that it began with.

It knows the prompt of `model_adapters.prompt.speaker_messages` and no other. It tells what functions
return; it knows no facts of its own, and what it says of anything else is not to be relied on.
"""
