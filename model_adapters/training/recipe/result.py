"""What training leaves behind: the change of the embedded model in 8 bits, or another model; a card."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from cml.terminal.foreign import markdown_text
from model_adapters.embedded.smollm2 import EMBEDDED_MODEL
from model_adapters.embedded.speaker.spelling import APART
from model_adapters.embedded.speaker.weights import (
    ABOUT_NAME,
    WEIGHTS_NAME,
    WeightChange,
    write_weights,
)
from model_adapters.hf.model import HfModel
from model_adapters.training.recipe.adapters import factors, put_in
from model_adapters.training.recipe.plan import Recipe, TrainingProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

CARD: Final = "README.md"


def write_result(
    folder: Path,
    model: HfModel,
    trained: "Mapping[str, torch.Tensor]",
    *,
    recipe: Recipe,
    progress: TrainingProgress,
    how: str,
    is_embedded: bool,
    start: WeightChange | None = None,
) -> tuple[Path, ...]:
    """Write what was trained; return the files.

    Of the embedded model that is the change of its weights. Any other is written whole, for what
    else could load it: its weights with the adapters in them, its tokenizer, and how it was trained.

    Args:
        folder: Where to.
        model: The model that was trained; its network is changed.
        trained: What `train` returned.
        recipe: How it was trained.
        progress: How far.
        how: The command that did it.
        is_embedded: Whether it began with the embedded model.
        start: What of an earlier training it began with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = EMBEDDED_MODEL if is_embedded else model.name
    before = start.about if start else {}
    seen = before.get("dialogues", "")  # somebody else's file may say anything
    card = model_card(recipe, progress, base, how, before)
    (folder / CARD).write_text(card, encoding="utf-8")
    about = {
        "name": f"{base}-CML",
        "base": base,
        "names": APART if recipe.names_apart else "joined",
        "dialogues": str(progress.dialogues + (int(seen) if seen.isdecimal() else 0)),
        "how": f"{before['how']}; from its weights, {how}" if "how" in before else how,
    }
    if is_embedded and recipe.rank:
        write_weights(folder / WEIGHTS_NAME, factors(dict(trained), recipe.scale), about)
        return folder / CARD, folder / WEIGHTS_NAME
    _write_whole(folder, model, recipe)
    (folder / ABOUT_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(about)))
    return folder / CARD, folder / ABOUT_NAME, folder / "config.json"


def _write_whole(folder: Path, model: HfModel, recipe: Recipe) -> None:
    import torch

    network, dtype = model.network, model.network.config.dtype
    if recipe.rank:
        put_in(network)
    elif isinstance(dtype, torch.dtype):  # what is trained is kept in float32 while it is
        torch.nn.Module.to(network, dtype)
    network.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)


def model_card(
    recipe: Recipe, progress: TrainingProgress, base: str, how: str, before: "Mapping[str, str]"
) -> str:
    """Return the card of a trained model, in Markdown.

    Args:
        recipe: How it was trained.
        progress: How far.
        base: The model that it began with.
        how: The command that did it.
        before: What is told of the earlier training that it began with; empty for none.
    """
    what = f"adapters of rank {recipe.rank} on all linear layers" if recipe.rank else "all weights"
    return f"""# {markdown_text(base)}-CML

{markdown_text(base)}, trained to call functions asynchronously in CML.

- Trained: {what}, on the machine-made dialogues of `cml dataset` (Apache-2.0), one pass.
{_begun_with(before)}- Dialogues: {progress.dialogues:,}; tokens: {progress.tokens:,}; steps: {progress.step:,}.
- Time: {progress.seconds / 60:.0f} minutes. Loss at the end: {progress.loss:.3f} a token.
- Rate: {recipe.rate:g}, up for {recipe.warmup:.0%} of the time, down for the last {recipe.decay:.0%};
  {recipe.packs} packs of at most {recipe.longest} tokens a step; seed {recipe.seed}.
- Made by: {markdown_text(how)}
- Licence: that of the model that it began with{", Apache-2.0" if base == EMBEDDED_MODEL else ""}.

It knows the prompt of `model_adapters.prompt.speaker_messages` and no other. It tells what functions
return; it knows no facts of its own, and what it says of anything else is not to be relied on.
"""


def _begun_with(before: "Mapping[str, str]") -> str:
    """Return the line about the earlier training."""
    if not before:
        return ""
    made = markdown_text(before.get("how", "what is not told"))
    count = markdown_text(before.get("dialogues", "an unknown number of"))
    return f"- Began with adapters that had seen {count} dialogues, made by: {made}\n"
