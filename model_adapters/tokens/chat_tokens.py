"""From what is said to tokens: only the chat template speaks with control tokens, only the host with
the tokens of markers.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cml.symbols import MARKER_PATTERN, MARKERS, Marker
from model_adapters.prompt import Message
from model_adapters.tokens.chat_parts import ChatPart, chat_parts, turn_parts
from model_adapters.tokens.engine import Tokenizer

_MARKER: Final = re.compile(f"({MARKER_PATTERN})")


def block_ids(tokenizer: Tokenizer, text: str, reserved: Mapping[Marker, int]) -> list[int]:
    """Return the tokens of text of the runtime, in which what is spelled like a marker is one.

    Args:
        tokenizer: Whose tokens.
        text: Interrupts as the printer writes them: their content holds no marker (Syntax/canonical).
        reserved: The token of each marker; none where markers are text.
    """
    if not reserved:
        return tokenizer.content_ids(text)
    ids: list[int] = []
    for part in _MARKER.split(text):
        marker = MARKERS.get(part)
        ids += tokenizer.content_ids(part) if marker is None else [reserved[marker]]
    return ids


def chat_ids(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    encode: Callable[[str], list[int]] | None = None,
) -> list[int]:
    """Return the tokens of a chat, up to where the model's answer begins (`chat_parts`).

    Args:
        tokenizer: Whose tokens and template.
        messages: The chat, the last message a user's.
        encode: How what the host says, which is all but the user's messages, is encoded: that may
            show markers. None for content, which is what a user says, whatever it spells.

    Raises:
        AdapterError: The model has no chat template, or its template refuses these messages.
    """
    return _ids(tokenizer, chat_parts(messages, tokenizer.render), encode or tokenizer.content_ids)


def turn_ids(tokenizer: Tokenizer, question: str) -> list[int]:
    """Return the tokens that end an answer and ask the next question (`turn_parts`).

    Args:
        tokenizer: Whose tokens and template.
        question: What a person asks.

    Raises:
        AdapterError: The model has no chat template, or its template refuses a second question.
    """
    return _ids(tokenizer, turn_parts(question, tokenizer.render), tokenizer.content_ids)


def _ids(
    tokenizer: Tokenizer, parts: Iterable[ChatPart], encode: Callable[[str], list[int]]
) -> list[int]:
    ids: list[int] = []
    for part in parts:
        match part.role:
            case None:
                ids += tokenizer.template_ids(part.text)
            case "user":
                ids += tokenizer.content_ids(part.text)
            case "system" | "assistant":
                ids += encode(part.text)
    return ids
