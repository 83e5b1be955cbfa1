"""From dialogues to tokens, and which of them are to be learnt: never those of an interrupt."""

from collections.abc import Sequence

import msgspec

from model_adapters.hf.chat_tokens import HfTokenizer
from model_adapters.prompt import Message
from model_adapters.tokens.chat_tokens import chat_ids
from model_adapters.training.data.ideal import Segment


class DialogueTokens(msgspec.Struct, frozen=True):
    """A dialogue as tokens.

    Args:
        ids: All of them, the prompt first and the end token last.
        learn: Which of them the model writes.
    """

    ids: list[int]
    learn: list[bool]


def dialogue_tokens(
    tokenizer: HfTokenizer,
    messages: Sequence[Message],
    segments: Sequence[Segment],
) -> DialogueTokens:
    """Return a dialogue as the tokens that a session would have in its context.

    Args:
        tokenizer: The model's.
        messages: The chat that the context begins with.
        segments: The context after it.
    """
    ids = chat_ids(tokenizer, messages)
    learn = [False] * len(ids)
    for segment in segments:
        own = tokenizer.content_ids(segment.text)
        ids += own
        learn += [segment.by == "model"] * len(own)
    return DialogueTokens([*ids, int(tokenizer.tokenizer.eos_token_id)], [*learn, True])
