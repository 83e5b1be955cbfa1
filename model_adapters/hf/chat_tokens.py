"""From text to a model's tokens and back, by its tokenizer of transformers.

transformers keeps *special* tokens of a text apart (`split_special_tokens`), but not other added
tokens, such as the `<tool_call>` of some models. Here content never becomes either.
"""

from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final

import msgspec

from model_adapters.errors import AdapterError
from model_adapters.hf.thinking import regions_of, without_begun_region
from model_adapters.tokens import content
from model_adapters.tokens.chat_parts import Chat

if TYPE_CHECKING:
    from transformers import TokenizersBackend

_ENCODING: Final = Lock()
"""A tokenizer keeps whether special tokens are cut apart in itself, for every thread."""


class HfTokenizer(msgspec.Struct, frozen=True):
    """A tokenizer of transformers, as chats are encoded with (see `Tokenizer`).

    Args:
        tokenizer: From text to tokens and back.
    """

    tokenizer: "TokenizersBackend"

    @property
    def control(self) -> dict[int, str]:
        """The tokens that no content becomes, with their spellings."""
        return control_tokens(self.tokenizer)

    def content_ids(self, text: str) -> list[int]:
        """Return the tokens of a text that comes from outside: ordinary ones, whatever it spells."""
        return content_ids(self.tokenizer, text)

    def template_ids(self, text: str) -> list[int]:
        """Return the tokens of what the chat template itself writes, control tokens among them."""
        return template_ids(self.tokenizer, text)

    def render(self, chat: Chat) -> str:
        """Return a chat as the template spells it, up to where the model's answer begins.

        Raises:
            AdapterError: The model has no chat template, or its template refuses the chat.
        """
        return render(self.tokenizer, chat)


def content_ids(tokenizer: "TokenizersBackend", text: str) -> list[int]:
    """Return the tokens of a text that comes from outside (`model_adapters.tokens.content`).

    Args:
        tokenizer: The model's.
        text: Any text.

    Raises:
        AdapterError: The tokenizer makes a control token of it all the same.
    """
    plain, spelled = partial(_plain, tokenizer), partial(_spelled, tokenizer)
    return content.content_ids(text, control_tokens(tokenizer), plain, spelled)


def template_ids(tokenizer: "TokenizersBackend", text: str) -> list[int]:
    """Return the tokens of what the chat template itself writes, control tokens among them."""
    return _encoded(tokenizer, text, apart=False)


def control_tokens(tokenizer: "TokenizersBackend") -> dict[int, str]:
    """Return the added tokens with their spellings, save those that only stand for white space."""
    added = tokenizer.added_tokens_decoder.items()
    return {token: spec.content for token, spec in added if spec.content.strip("\u2581 \t\r\n")}


def render(tokenizer: "TokenizersBackend", chat: Chat) -> str:
    """Return a chat as the model's template spells it, with the beginning of the answer.

    Raises:
        AdapterError: The model has no chat template, or its template refuses the chat.
    """
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


def keeps_text(tokenizer: "TokenizersBackend") -> bool:
    """Whether parts that are encoded one by one decode to their sum: some tokenizers add spaces."""
    return content.keeps_text(partial(_plain, tokenizer), partial(_spelled, tokenizer))


def _plain(tokenizer: "TokenizersBackend", text: str) -> list[int]:
    return _encoded(tokenizer, text, apart=True)


def _encoded(tokenizer: "TokenizersBackend", text: str, *, apart: bool) -> list[int]:
    """Encode a text, with its special tokens cut apart, or not."""
    with _ENCODING:
        ids: list[int] = tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=apart
        )
    return ids


def _spelled(tokenizer: "TokenizersBackend", ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))
