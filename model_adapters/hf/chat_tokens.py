"""From text to a model's tokens, where only the chat template may speak with control tokens.

transformers keeps *special* tokens of a text apart (`split_special_tokens`), but not other added
tokens, such as the `<tool_call>` of some models. Here content never becomes either.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from model_adapters.errors import AdapterError
from model_adapters.hf.thinking import regions_of, without_begun_region
from model_adapters.prompt import Message

if TYPE_CHECKING:
    from transformers import TokenizersBackend

    Encode: TypeAlias = Callable[[TokenizersBackend, str], list[int]]

# Private-use characters, which no template writes; the number between them is the message's.
_PLACEHOLDER: Final = "\ue0c1{}\ue0c2"
_PLACEHOLDERS: Final = re.compile("\ue0c1([0-9]+)\ue0c2")


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
    spelled = _spellable(tokenizer, text)
    ids = [token for part in _apart(spelled, control.values()) for token in _plain(tokenizer, part)]
    if spoken := control.keys() & set(ids):
        raise AdapterError(
            f"this model's tokenizer makes the control token {control[min(spoken)]} of ordinary "
            "text, so it is not safe to give it text from outside; use another model"
        )
    return ids


def chat_ids(
    tokenizer: "TokenizersBackend",
    messages: Sequence[Message],
    encode: "Encode" = content_ids,
) -> list[int]:
    """Return the tokens of a chat, up to where the model's answer begins.

    The template is rendered around placeholders, so it sees no content that it could trim or
    read, and the control tokens of the template are the only ones.

    Args:
        tokenizer: The model's, with its chat template.
        messages: The chat, the last message a user's.
        encode: How what the host says, which is all but the user's messages, is encoded: that may
            show markers. What a user says is content, whatever it spells.

    Raises:
        AdapterError: The model has no chat template, or its template refuses these messages.
    """
    return _ids(tokenizer, _render(tokenizer, messages), messages, encode)


def turn_ids(tokenizer: "TokenizersBackend", question: str) -> list[int]:
    """Return the tokens that end an answer and ask the next question, up to where its answer begins.

    They are those that the template writes after any answer but the last.

    Args:
        tokenizer: The model's, with its chat template.
        question: What a person asks.

    Raises:
        AdapterError: The model has no chat template, or its template refuses a second question.
    """
    answered = (Message("user", "?"), Message("assistant", "."), Message("user", question))
    rendered = _render(tokenizer, answered)
    return _ids(tokenizer, rendered.partition(_PLACEHOLDER.format(1))[2], answered, content_ids)


def _ids(
    tokenizer: "TokenizersBackend",
    rendered: str,
    messages: Sequence[Message],
    encode: "Encode",
) -> list[int]:
    """Return the tokens of what a template wrote, with the contents where it put them."""
    ids: list[int] = []
    prompt = without_begun_region(rendered, regions_of(tokenizer))
    for number, part in enumerate(_PLACEHOLDERS.split(prompt)):
        if number % 2:
            message = messages[int(part)]
            is_own = message.role != "user"
            ids += (encode if is_own else content_ids)(tokenizer, message.content)
        elif part:
            ids += tokenizer.encode(part, add_special_tokens=False)
    return ids


def control_tokens(tokenizer: "TokenizersBackend") -> dict[int, str]:
    """Return the added tokens with their spellings, save those that only stand for white space."""
    added = tokenizer.added_tokens_decoder.items()
    return {token: spec.content for token, spec in added if spec.content.strip("\u2581 \t\r\n")}


def _render(tokenizer: "TokenizersBackend", messages: Sequence[Message]) -> str:
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise AdapterError(
            "this model has no chat template, so it cannot be asked anything; "
            "use a model that is trained on instructions"
        )
    chat = [
        {"role": message.role, "content": _PLACEHOLDER.format(number)}
        for number, message in enumerate(messages)
    ]
    try:
        text = str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))
    except TemplateError as error:
        raise AdapterError(f"this model's chat template refuses the messages: {error}") from error
    kept = {int(number) for number in _PLACEHOLDERS.findall(text)}
    if lost := set(range(len(messages))) - kept:
        role = messages[min(lost)].role
        raise AdapterError(f"this model's chat template leaves out the {role} message")
    return text


def _apart(text: str, spellings: Iterable[str]) -> Iterator[str]:
    """Cut a text inside everything that spells a control token, so that no part spells one."""
    found = re.compile("|".join(re.escape(s) for s in sorted(spellings, key=len, reverse=True)))
    start = 0
    for match in found.finditer(text) if found.pattern else ():
        yield text[start : match.start() + 1]
        start = match.start() + 1
    yield text[start:]


def _spellable(tokenizer: "TokenizersBackend", text: str) -> str:
    if _decoded(tokenizer, text) == text:
        return text
    lost = {c for c in set(text) if not _decoded(tokenizer, c).strip("\ufffd")}
    return "".join("\ufffd" if c in lost else c for c in text)


def _decoded(tokenizer: "TokenizersBackend", text: str) -> str:
    return str(tokenizer.decode(_plain(tokenizer, text), clean_up_tokenization_spaces=False))


def _plain(tokenizer: "TokenizersBackend", text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    return ids
