"""A chat as its template spells it, with what is the template's kept apart from what is content."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from model_adapters.errors import AdapterError
from model_adapters.prompt import Message, Role

Chat: TypeAlias = list[dict[str, str]]
"""Messages as templates take them: `role` and `content`."""

# What no template writes, and every vocabulary spells; the number in it is the message's.
_PLACEHOLDER: Final = "@@message-{}@@"
_PLACEHOLDERS: Final = re.compile("@@message-([0-9]+)@@")


class ChatPart(msgspec.Struct, frozen=True):
    """A stretch of a chat.

    Args:
        text: Its characters, at least one.
        role: Whose message they come from; None where they are the template's.
    """

    text: str
    role: Role | None

    @property
    def is_content(self) -> bool:
        """Whether a message says it: then nothing in it is a control token."""
        return self.role is not None


def chat_parts(messages: Sequence[Message], render: Callable[[Chat], str]) -> Iterator[ChatPart]:
    """Give the parts of a chat, up to where the model's answer begins.

    The template is rendered around placeholders, so it sees no content that it could trim or read.

    Args:
        messages: The chat, the last message a user's.
        render: Spells a chat by the model's template, and the beginning of the answer.

    Raises:
        AdapterError: The template leaves a message out.
    """
    chat = [
        {"role": message.role, "content": _PLACEHOLDER.format(number)}
        for number, message in enumerate(messages)
    ]
    parts = _PLACEHOLDERS.split(render(chat))
    if lost := set(range(len(messages))) - {int(number) for number in parts[1::2]}:
        role = messages[min(lost)].role
        raise AdapterError(f"this model's chat template leaves out the {role} message")
    for number, part in enumerate(parts):
        message = messages[int(part)] if number % 2 else None
        if text := message.content if message else part:
            yield ChatPart(text, message.role if message else None)


def turn_parts(question: str, render: Callable[[Chat], str]) -> Iterator[ChatPart]:
    """Give the parts that end an answer and ask the next question, up to where its answer begins.

    They are those that the template writes after any answer but the last.

    Args:
        question: What a person asks.
        render: As for `chat_parts`.

    Raises:
        AdapterError: The template leaves a message out.
    """
    answered = (Message("user", "?"), Message("assistant", "."), Message("user", question))
    parts = iter(chat_parts(answered, render))
    for part in parts:
        if part.role == "assistant":
            break
    yield from parts
