"""Chat transcripts as the OpenAI API takes them: messages, with parallel tool calls.

A file is a JSON array of messages, an object with `messages` (the body of a request), or a message a
line.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from cml.ast import OutcomeKind
from interpreter.events import Outcome
from interpreter.exchange.foreign_json import (
    arguments_of,
    elements_of,
    json_or_text,
    lines_of_json,
    shaped,
)
from interpreter.exchange.happenings import (
    CallAnswered,
    ForeignError,
    Format,
    Happening,
    ModelCalled,
    ModelWaits,
    ModelWrote,
    NotCarried,
    PersonSpoke,
)


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    refusal: str | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class _Custom(msgspec.Struct, frozen=True):
    name: str
    input: str = ""


class _ToolCall(msgspec.Struct, frozen=True):
    id: str
    function: _Function | None = None
    custom: _Custom | None = None


class _Message(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None


def _messages(text: str) -> Iterator[tuple[int, _Message]]:
    found = _lines(text) if _is_a_message_a_line(text) else elements_of(text, "messages")
    for line, value in found:
        if isinstance(value, dict) and value.get("role") == "function":
            raise ForeignError(
                line, "the role `function` is of an older form without identifiers; expected `tool`"
            )
        yield line, shaped(value, _Message, line)


def _is_a_message_a_line(text: str) -> bool:
    """Whether the first line is a value of its own, and others follow."""
    first, _, rest = text.lstrip().partition("\n")
    return first.rstrip().endswith("}") and rest.lstrip().startswith("{")


def _lines(text: str) -> Iterator[tuple[int, object]]:
    for line, value in lines_of_json(text):
        if isinstance(value, dict) and "messages" in value:
            raise ForeignError(line, "a conversation a line; expected one conversation a file")
        yield line, value


def _read(text: str) -> Iterator[Happening]:
    for line, message in _messages(text):
        match message.role:
            case "system" | "developer":
                yield NotCarried(line, "system messages")
            case "user":
                yield from _person(line, message)
            case "tool":
                yield _answer(line, message)
            case "assistant":
                yield from _model(line, message)


def _person(line: int, message: _Message) -> Iterator[Happening]:
    text, others = _text(message.content)
    yield PersonSpoke(line, text)
    yield from (NotCarried(line, "images, audio and files") for _ in range(others))


def _model(line: int, message: _Message) -> Iterator[Happening]:
    text, others = _text(message.content)
    yield from (NotCarried(line, "images, audio and files") for _ in range(others))
    if said := text + (message.refusal or ""):
        yield ModelWrote(line, said)
    for call in message.tool_calls or ():
        yield _call(line, call)
    if message.tool_calls:
        yield ModelWaits(line)


def _call(line: int, call: _ToolCall) -> ModelCalled:
    if call.custom is not None:
        return ModelCalled(line, call.id, call.custom.name, {"input": call.custom.input})
    if call.function is None:
        raise ForeignError(line, f"the tool call {call.id!r} names no function")
    kwargs, fault = arguments_of(call.function.arguments)
    return ModelCalled(line, call.id, call.function.name, kwargs, fault=fault)


def _answer(line: int, message: _Message) -> CallAnswered:
    if message.tool_call_id is None:
        raise ForeignError(line, "a message of a tool has a `tool_call_id`")
    text, _ = _text(message.content)
    return CallAnswered(
        line, message.tool_call_id, Outcome(OutcomeKind.RETURNED, json_or_text(text))
    )


def _text(content: str | Iterable[_Part] | None) -> tuple[str, int]:
    """Return the text of a message, and how many parts of it are none."""
    if content is None or isinstance(content, str):
        return content or "", 0
    texts = [part.text if part.text is not None else part.refusal for part in content]
    said = [text for text in texts if text is not None]
    return "".join(said), len(texts) - len(said)


CHAT: Final = Format(
    about="a chat transcript as the OpenAI API takes it, with parallel tool calls",
    read=_read,
    losses={
        "system messages": "left out; a trace begins with what a person asks",
        "images, audio and files": "left out; their message keeps its text",
        "times": "none are in the format: each message is a millisecond after the one before",
        "failures": "not told from results in the format: every answer counts as returned",
        "text or JSON": "the text of a result that is JSON is read as JSON",
        "identifiers that are none of CML's": "spelled anew, nearly as they are",
    },
)
