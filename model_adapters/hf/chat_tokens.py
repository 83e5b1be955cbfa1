"""From text to a model's tokens, where only the chat template may speak with control tokens.

transformers keeps *special* tokens of a text apart (`split_special_tokens`), but not other added
tokens, such as the `<tool_call>` of some models. Here content never becomes either.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from model_adapters.errors import AdapterError
from model_adapters.hf.thinking import regions_of, without_begun_region
from model_adapters.prompt import Message
from model_adapters.tokens.chat_parts import Chat, ChatPart, chat_parts, turn_parts
from model_adapters.tokens.content import apart, require_ordinary, spellable

if TYPE_CHECKING:
    from transformers import TokenizersBackend

    Encode: TypeAlias = Callable[[TokenizersBackend, str], list[int]]


def content_ids(tokenizer: "TokenizersBackend", text: str) -> list[int]:
    """Return the tokens of a text that comes from outside: ordinary tokens, whatever it spells.

    Some vocabularies lack rare bytes and drop them; a character with such a byte becomes U+FFFD.

    Args:
        tokenizer: The model's.
        text: Any text.

    Raises:
        AdapterError: The tokenizer makes a control token of it all the same.
    """
    control = control_tokens(tokenizer)
    spelled = spellable(text, lambda part: _decoded(tokenizer, part))
    parts = apart(spelled, control.values())
    ids = [token for part in parts for token in _plain(tokenizer, part)]
    require_ordinary(ids, control)
    return ids


def chat_ids(
    tokenizer: "TokenizersBackend",
    messages: Sequence[Message],
    encode: "Encode" = content_ids,
) -> list[int]:
    """Return the tokens of a chat, up to where the model's answer begins.

    The control tokens of the template are the only ones (`chat_parts`).

    Args:
        tokenizer: The model's, with its chat template.
        messages: The chat, the last message a user's.
        encode: How what the host says, which is all but the user's messages, is encoded: that may
            show markers. What a user says is content, whatever it spells.

    Raises:
        AdapterError: The model has no chat template, or its template refuses these messages.
    """
    return _ids(tokenizer, chat_parts(messages, partial(_render, tokenizer)), encode)


def turn_ids(tokenizer: "TokenizersBackend", question: str) -> list[int]:
    """Return the tokens that end an answer and ask the next question (`turn_parts`).

    Args:
        tokenizer: The model's, with its chat template.
        question: What a person asks.

    Raises:
        AdapterError: The model has no chat template, or its template refuses a second question.
    """
    return _ids(tokenizer, turn_parts(question, partial(_render, tokenizer)), content_ids)


def _ids(tokenizer: "TokenizersBackend", parts: Iterable[ChatPart], encode: "Encode") -> list[int]:
    ids: list[int] = []
    for part in parts:
        if not part.is_content:
            ids += tokenizer.encode(part.text, add_special_tokens=False)
        else:
            ids += (content_ids if part.role == "user" else encode)(tokenizer, part.text)
    return ids


def control_tokens(tokenizer: "TokenizersBackend") -> dict[int, str]:
    """Return the added tokens with their spellings, save those that only stand for white space."""
    added = tokenizer.added_tokens_decoder.items()
    return {token: spec.content for token, spec in added if spec.content.strip("\u2581 \t\r\n")}


def _render(tokenizer: "TokenizersBackend", chat: Chat) -> str:
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise AdapterError(
            "this model has no chat template, so it cannot be asked anything; "
            "use a model that is trained on instructions"
        )
    try:
        rendered = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        raise AdapterError(f"this model's chat template refuses the messages: {error}") from error
    return without_begun_region(str(rendered), regions_of(tokenizer))


def _decoded(tokenizer: "TokenizersBackend", text: str) -> str:
    return str(tokenizer.decode(_plain(tokenizer, text), clean_up_tokenization_spaces=False))


def _plain(tokenizer: "TokenizersBackend", text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    return ids
