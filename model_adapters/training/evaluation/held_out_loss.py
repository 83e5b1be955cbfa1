"""How surprised a model is by what an ideal one writes: cheaper than to let it play, and finer."""

from bisect import bisect_right

import msgspec

from cml.ast import Call
from cml.parser import parse
from model_adapters.hf.model import HfModel
from model_adapters.training.data.dialogues import Dialogue
from model_adapters.training.recipe.loop import token_losses
from model_adapters.training.recipe.packing import pack
from model_adapters.training.recipe.spelling import spell_with
from model_adapters.training.recipe.tokens import dialogue_tokens


class HeldOutLoss(msgspec.Struct, frozen=True):
    """The loss of a model on one dialogue, in nats, when all that is before a token is as it should be.

    Args:
        id: Of the dialogue.
        calls: Summed over the tokens of its calls.
        call_tokens: How many they are.
        others: Summed over what else the model writes: results told, traps, the end.
        other_tokens: How many they are.
    """

    id: str
    calls: float
    call_tokens: int
    others: float
    other_tokens: int


def held_out_loss(model: HfModel, dialogue: Dialogue) -> HeldOutLoss:
    """Return the loss of a model on a dialogue."""
    import torch

    tokens = dialogue_tokens(model, dialogue.messages, dialogue.segments)
    [alone] = pack([[tokens]], len(tokens.ids))
    with torch.no_grad(), torch.autocast(model.network.device.type, torch.bfloat16):
        losses = token_losses(model.network, alone).cpu()
    is_call = torch.tensor([*calls_of(model, dialogue), False])  # the end is none
    calls, others = losses[is_call], losses[~is_call]
    return HeldOutLoss(
        dialogue.id, float(calls.sum()), len(calls), float(others.sum()), len(others)
    )


def calls_of(model: HfModel, dialogue: Dialogue) -> list[bool]:
    """Return for each token that the model writes, but the end, whether it is one of a call."""
    spans = [item.span for item in parse(dialogue.answer).items if isinstance(item, Call)]
    begins = [span.start.offset for span in spans]
    spell, found, at = spell_with(model), list[bool](), 0
    for segment in dialogue.segments:
        place = at
        for part, count in spell(segment.text) if segment.by == "model" else ():
            number = bisect_right(begins, place) - 1
            found += [number >= 0 and place < spans[number].end.offset] * count
            place += len(part)
        at += len(segment.text)
    return found
