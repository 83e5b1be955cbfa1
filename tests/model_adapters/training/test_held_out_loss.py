"""Held-out loss: calls and the rest are told apart, and together they are the loss of the dialogue."""

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from cml.ast import Call
from cml.parser import parse
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import draw_dialogues
from model_adapters.training.recipe.packing import pack
from model_adapters.training.recipe.spelling import words
from model_adapters.training.recipe.tokens import dialogue_tokens

if TYPE_CHECKING:
    from model_adapters.hf.model import HfModel


@pytest.mark.parametrize("tiny", ["full attention"], indirect=True)
def test_losses_of_calls_and_of_the_rest_make_up_the_loss(tiny: "HfModel") -> None:
    import torch

    from model_adapters.training.evaluation.held_out_loss import calls_of, held_out_loss
    from model_adapters.training.recipe.loop import pack_loss

    drawn = draw_dialogues(3, scene_of("train"), words, per_box=3)
    for dialogue in islice((each for each in drawn if len(each.tools) < 5), 8):
        tokens = dialogue_tokens(tiny, dialogue.messages, dialogue.segments)
        learnt = [token for token, learn in zip(tokens.ids, tokens.learn, strict=True) if learn]
        is_call = calls_of(tiny, dialogue)
        of_calls = [token for token, call in zip(learnt, [*is_call, False], strict=True) if call]
        blocks = [item for item in parse(dialogue.answer).items if isinstance(item, Call)]
        spans = [(block.span.start.offset, block.span.end.offset) for block in blocks]
        assert tiny.tokenizer.decode(of_calls) == "".join(
            dialogue.answer[start:end] for start, end in spans
        )
        found = held_out_loss(tiny, dialogue)
        assert (found.id, found.call_tokens) == (dialogue.id, len(of_calls))
        assert found.call_tokens + found.other_tokens == len(learnt)
        [alone] = pack([[tokens]], 10_000)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            whole = float(pack_loss(tiny.network, alone))
        assert found.calls + found.others == pytest.approx(whole, rel=1e-3)
