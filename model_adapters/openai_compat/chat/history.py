"""A chat as it is sent: each call of the model's with exactly one output, whatever became of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from cml.ast import OutcomeKind
from interpreter.events import Delivery
from model_adapters.prompt import Message

GO_ON: Final = "(Your last message was broken off. Go on where it ends.)"

_PENDING: Final = {
    "type": "pending",
    "message": "it is still running; what comes of it follows in a message of its own",
}


class NativeCall(msgspec.Struct, frozen=True):
    """A call that the model made in the server's own form.

    Args:
        key: What the server knows it by.
        identifier: What it is called in the context.
        function: The name of the function.
        arguments: The arguments, as the model wrote them.
    """

    key: str
    identifier: str
    function: str
    arguments: str


class ChatHistory:
    """The messages so far. What was sent once is not changed any more: servers keep prefixes.

    Args:
        messages: The chat that the session begins with.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self._sent: list[dict[str, object]] = []
        for message in messages:
            self._sent.append({"role": message.role, "content": message.content})
        self._text = ""
        self._calls: tuple[NativeCall, ...] = ()
        self._outputs: dict[str, str] = {}
        self._told = ""

    def answer(self, text: str, calls: Sequence[NativeCall]) -> None:
        """Take what the model's current message holds, in place of what it held before."""
        self._text, self._calls = text, tuple(calls)

    @property
    def has_calls(self) -> bool:
        """Whether the model's current message has calls, whose outputs can stand with them."""
        return bool(self._calls)

    def told(self, delivery: Delivery, text: str) -> None:
        """Take what the runtime tells: as the output of a call of the current message, else apart.

        Args:
            delivery: What is told.
            text: Its interrupt, as the context has it.
        """
        output = msgspec.json.encode(delivery.outcome).decode()
        is_open = any(call.identifier == delivery.id for call in self._calls)
        is_last = delivery.outcome.kind is not OutcomeKind.PROGRESS
        if is_open and is_last and delivery.id not in self._outputs:
            self._outputs[delivery.id] = output
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """Take what goes in as a message of its own."""
        self._told = f"{self._told}\n{text}" if self._told else text

    def to_send(self) -> tuple[Mapping[str, object], ...]:
        """Return the chat, with which the model is asked for a new message; this one is closed.

        A call that has no output is answered by a placeholder.
        """
        if self._text or self._calls:
            self._close_message()
        if not self._told and self._sent[-1]["role"] == "assistant":
            self._told = GO_ON
        if self._told:
            self._add_user(self._told)
        self._text, self._calls, self._outputs, self._told = "", (), {}, ""
        return tuple(self._sent)

    def _close_message(self) -> None:
        calls = [
            {
                "id": call.key,
                "type": "function",
                "function": {"name": call.function, "arguments": call.arguments},
            }
            for call in self._calls
        ]
        message: dict[str, object] = {"role": "assistant", "content": self._text}
        self._sent.append({**message, "tool_calls": calls} if calls else message)
        for call in self._calls:
            pending = msgspec.json.encode(_PENDING | {"call": call.identifier}).decode()
            output = self._outputs.get(call.identifier, pending)
            self._sent.append({"role": "tool", "tool_call_id": call.key, "content": output})

    def _add_user(self, text: str) -> None:
        """Add a message of the user's side; two in a row are one, for templates that take turns."""
        last = self._sent[-1]
        if last["role"] == "user":
            self._sent[-1] = {**last, "content": f"{last['content']}\n{text}"}
        else:
            self._sent.append({"role": "user", "content": text})
