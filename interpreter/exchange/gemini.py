"""Message logs of the Gemini Live API, where functions can be NON_BLOCKING."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from cml.ast import Json, OutcomeKind
from interpreter.events import Outcome, failure
from interpreter.exchange.foreign_json import shaped
from interpreter.exchange.happenings import (
    CallAnswered,
    ForeignError,
    Format,
    Happening,
    ModelCalled,
    ModelWrote,
    NotCarried,
    PersonSpoke,
)
from interpreter.exchange.logs import Logged, events_of


class _Part(msgspec.Struct, frozen=True):
    text: str | None = None
    thought: bool = False


class _Turn(msgspec.Struct, frozen=True):
    role: str = "user"
    parts: list[_Part] = []


class _ClientContent(msgspec.Struct, frozen=True):
    turns: list[_Turn] | _Turn = []


class _RealtimeInput(msgspec.Struct, frozen=True):
    text: str | None = None


class _Transcription(msgspec.Struct, frozen=True):
    text: str = ""


class _ServerContent(msgspec.Struct, frozen=True, rename="camel"):
    model_turn: _Turn | None = None
    input_transcription: _Transcription | None = None
    output_transcription: _Transcription | None = None
    interrupted: bool = False


class _FunctionCall(msgspec.Struct, frozen=True):
    id: str
    name: str
    args: dict[str, object] = {}


class _ToolCall(msgspec.Struct, frozen=True, rename="camel"):
    function_calls: list[_FunctionCall] = []


class _Cancellation(msgspec.Struct, frozen=True):
    ids: list[str] = []


class _FunctionResponse(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    response: dict[str, object] = {}
    will_continue: bool = False
    scheduling: str | None = None


class _ToolResponse(msgspec.Struct, frozen=True, rename="camel"):
    function_responses: list[_FunctionResponse] = []


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    client_content: _ClientContent | None = None
    realtime_input: _RealtimeInput | None = None
    tool_response: _ToolResponse | None = None
    server_content: _ServerContent | None = None
    tool_call: _ToolCall | None = None
    tool_call_cancellation: _Cancellation | None = None


_OTHERS: Final = {"setup", "setupComplete", "usageMetadata", "goAway", "sessionResumptionUpdate"}
_MEMBERS: Final = frozenset({*_Message.__struct_encode_fields__, *_OTHERS})
"""What a message of the API may have; newer revisions have more."""
_VERBATIM: Final = frozenset({"args", "response"})
_SNAKE: Final = re.compile(r"_([a-z])")


def _read(text: str) -> Iterator[Happening]:
    heard: list[tuple[Logged, str]] = []
    logged, is_known = None, False
    for logged in events_of(text):
        event = _camel(logged.event)
        is_known = is_known or not _MEMBERS.isdisjoint(event)
        message = shaped(event, _Message, logged.line)
        server = message.server_content
        if server is not None and server.input_transcription is not None:
            heard.append((logged, server.input_transcription.text))
        if heard and _is_of_the_model(message):
            yield _spoken(heard)
            heard = []
        yield from _happenings(logged, message)
    if heard:
        yield _spoken(heard)
    if logged is not None and not is_known:
        raise ForeignError(1, f"no message has one of the members {', '.join(sorted(_MEMBERS))}")


def _spoken(heard: Sequence[tuple[Logged, str]]) -> PersonSpoke:
    """Return what a person said, whose transcript comes word by word."""
    logged = heard[0][0]
    return PersonSpoke(logged.line, "".join(text for _, text in heard).strip(), logged.at_us)


def _is_of_the_model(message: _Message) -> bool:
    server = message.server_content
    says = server is not None and (server.model_turn or server.output_transcription)
    return bool(says) or message.tool_call is not None


def _happenings(logged: Logged, message: _Message) -> Iterator[Happening]:
    if message == _Message():
        yield NotCarried(logged.line, "other messages")
    yield from _sent(logged, message)
    yield from _calls(logged, message)
    if message.server_content is not None:
        yield from _server(logged, message.server_content)


def _sent(logged: Logged, message: _Message) -> Iterator[Happening]:
    """Read what was sent to the server."""
    line, at_us = logged.line, logged.at_us
    if message.client_content is not None:
        yield from _client(logged, message.client_content)
    if message.realtime_input is not None:
        text = message.realtime_input.text
        yield PersonSpoke(line, text, at_us) if text else NotCarried(line, "audio and video")
    if message.tool_response is not None:
        for response in message.tool_response.function_responses:
            yield CallAnswered(line, response.id, _outcome(response), at_us)
            if response.scheduling:
                yield NotCarried(line, "scheduling")


def _calls(logged: Logged, message: _Message) -> Iterator[Happening]:
    """Read what the server calls, and what it takes back."""
    line, at_us = logged.line, logged.at_us
    if message.tool_call is not None:
        for call in message.tool_call.function_calls:
            kwargs: dict[str, Json] = msgspec.convert(call.args, dict)
            yield ModelCalled(line, call.id, call.name, kwargs, at_us=at_us)
    if message.tool_call_cancellation is not None:
        for call_id in message.tool_call_cancellation.ids:
            said = failure("cancelled", "the server cancelled the call", OutcomeKind.CANCELLED)
            yield CallAnswered(line, call_id, said, at_us)


def _client(logged: Logged, content: _ClientContent) -> Iterator[Happening]:
    turns = content.turns if isinstance(content.turns, list) else [content.turns]
    for turn in turns:
        text = "".join(part.text or "" for part in turn.parts)
        if turn.role == "user" and text:
            yield PersonSpoke(logged.line, text, logged.at_us)
        else:
            yield NotCarried(logged.line, "earlier turns of the model")


def _server(logged: Logged, content: _ServerContent) -> Iterator[Happening]:
    for part in content.model_turn.parts if content.model_turn else ():
        if part.thought:
            yield NotCarried(logged.line, "thoughts")
        elif part.text:
            yield ModelWrote(logged.line, part.text, logged.at_us)
        else:
            yield NotCarried(logged.line, "audio and video")
    if content.output_transcription is not None and content.output_transcription.text:
        yield ModelWrote(logged.line, content.output_transcription.text, logged.at_us)
    if content.interrupted:
        yield NotCarried(logged.line, "interruptions")


def _outcome(response: _FunctionResponse) -> Outcome:
    value: dict[str, Json] = msgspec.convert(response.response, dict)
    if response.will_continue:
        return Outcome(OutcomeKind.PROGRESS, value)
    match value:
        case {"error": said, **others} if not others:
            return failure("error", said if isinstance(said, str) else str(said))
        case _:
            return Outcome(OutcomeKind.RETURNED, value)


def _camel(members: Mapping[str, object]) -> dict[str, object]:
    """Return a message with the names of the wire; those of the Python client have underscores."""
    return {
        _SNAKE.sub(lambda found: found[1].upper(), str(key)): (
            inner if key in _VERBATIM else _camel_within(inner)
        )
        for key, inner in members.items()
        if inner is not None
    }


def _camel_within(value: object) -> object:
    match value:
        case Mapping():
            return _camel(value)
        case list():
            return [_camel_within(inner) for inner in value]
        case _:
            return value


GEMINI: Final = Format(
    about="a message log of the Gemini Live API, with NON_BLOCKING functions",
    read=_read,
    losses={
        "audio and video": "left out; what is heard is kept where the log has a transcription",
        "scheduling": "left out: a result goes in at the next safe point, whatever SILENT, WHEN_IDLE or"
        " INTERRUPT was asked for",
        "interruptions": "the model's turn ends there; that it was cut off is not told",
        "thoughts": "left out",
        "earlier turns of the model": "left out, and parts of turns that are no text",
        "other messages": "left out: set-up, tools, usage, resumption, going away",
        "times": "kept where the log has timestamps; else each message is a millisecond after the last",
        "identifiers that are none of CML's": "spelled anew, nearly as they are",
    },
)
