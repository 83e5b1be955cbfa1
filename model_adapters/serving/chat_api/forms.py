"""OpenAI's chat API as far as it goes here: what a request may hold, and the forms of the answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from model_adapters.prompt import Message, Role
from model_adapters.serving.live.source import SessionWanted
from model_adapters.serving.wire import RefusedError


class ContentPart(msgspec.Struct, frozen=True):
    """A part of a message.

    Args:
        type: Its kind; only `text` is taken.
        text: The text.
    """

    type: str
    text: str = ""


class ChatMessage(msgspec.Struct, frozen=True):
    """A message of a chat.

    Args:
        role: Whose it is; `developer` is another word for `system`.
        content: Its text, whole or in parts.
    """

    role: str
    content: str | tuple[ContentPart, ...] | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """How an answer is streamed.

    Args:
        include_usage: Whether the tokens are told in a last chunk.
    """

    include_usage: bool = False


class ChatRequest(msgspec.Struct, frozen=True):
    """What a client asks. Fields that are not named here are not looked at.

    Args:
        model: Which model; the server has one.
        messages: The chat; the last message is the question.
        stream: Whether the answer comes in chunks.
        stream_options: How.
        max_tokens: Limit of what the model writes, its calls included.
        max_completion_tokens: The same by its newer name.
        temperature: How much chance there is in the choice of a token.
        top_p: Choose among the likeliest tokens that together have this probability only.
        seed: Of the random numbers.
    """

    model: str
    messages: Annotated[tuple[ChatMessage, ...], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    seed: int | None = None
    n: object = None
    stop: object = None
    tools: object = None
    tool_choice: object = None
    functions: object = None
    function_call: object = None
    response_format: object = None
    logprobs: object = None
    logit_bias: object = None
    presence_penalty: object = None
    frequency_penalty: object = None
    modalities: object = None
    audio: object = None


_OWN_TOOLS: Final = "the functions that the model calls are the server's, and run there"
_ONE_WAY: Final = "the model's tokens are chosen in one way here"
NOT_TAKEN: Final[Mapping[str, tuple[Sequence[object], str]]] = {
    "n": ((1,), "there is one answer to a request"),
    "stop": (([], ""), "the model ends its answer itself"),
    "tools": (([],), _OWN_TOOLS),
    "tool_choice": (("auto",), _OWN_TOOLS),
    "functions": (([],), _OWN_TOOLS),
    "function_call": (("auto",), _OWN_TOOLS),
    "response_format": (({"type": "text"},), "the answer is text"),
    "logprobs": ((False,), "no probabilities are told"),
    "logit_bias": (({},), _ONE_WAY),
    "presence_penalty": ((0,), _ONE_WAY),
    "frequency_penalty": ((0,), _ONE_WAY),
    "modalities": ((["text"],), "the answer is text"),
    "audio": ((), "the answer is text"),
}
"""Fields that would change the answer and cannot be honoured: the values besides null that change
nothing, and why no other is taken."""

_ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


def wanted_of(request: ChatRequest) -> SessionWanted:
    """Return the session that a request asks for.

    Raises:
        RefusedError: It asks for something that cannot be done here.
    """
    for name, (neutral, why) in NOT_TAKEN.items():
        value = getattr(request, name)
        if value is not None and value not in neutral:
            message = f"{name} is not taken: {why}; leave it out"
            raise RefusedError(400, message, "unsupported_parameter", name)
    *before, asked = _messages(request.messages)
    if asked.role != "user":
        last = f"messages[{len(before)}].role"
        message = f"the last message is of the {asked.role}; expected one of the user, the question"
        raise RefusedError(400, message, "invalid_value", last)
    if not asked.content.strip():
        raise RefusedError(
            400, "the last message is empty; ask something", "invalid_value", "messages"
        )
    return SessionWanted(
        asked.content,
        tuple(before),
        request.max_completion_tokens or request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=None if request.seed is None else abs(request.seed),
    )


def _messages(given: Sequence[ChatMessage]) -> Iterator[Message]:
    for number, message in enumerate(given):
        where = f"messages[{number}]"
        if message.role not in _ROLES:
            known = ", ".join(_ROLES)
            said = f"a message of the role {message.role!r} is not taken; give one of {known}"
            raise RefusedError(400, said, "invalid_value", f"{where}.role")
        yield Message(_ROLES[message.role], _text(message, f"{where}.content"))


def _text(message: ChatMessage, where: str) -> str:
    match message.content:
        case None:
            raise RefusedError(400, "a message has a text", "invalid_value", where)
        case str(text):
            return text
        case parts:
            if other := next((part.type for part in parts if part.type != "text"), None):
                said = f"a part of the type {other!r} is not taken; give text"
                raise RefusedError(400, said, "invalid_value", where)
            return "\n".join(part.text for part in parts)


# ------------------------------------------------------------------------------------- answers

FinishReason = Literal["stop", "length"]


class TokenUsage(msgspec.Struct, frozen=True):
    """The tokens of an answer.

    Args:
        prompt_tokens: What the model was given: the prompt, as far as the backend knows its tokens,
            and the interrupts.
        completion_tokens: What it wrote, its calls included.
        total_tokens: Both.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(msgspec.Struct, frozen=True):
    """What the assistant says.

    Args:
        content: Its words.
        reasoning_content: What it thought, where its thoughts are known for what they are.
    """

    content: str
    reasoning_content: str | None = None
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class AnswerChoice(msgspec.Struct, frozen=True):
    """The one answer, and why it ended."""

    message: AnswerMessage
    finish_reason: FinishReason
    index: int = 0
    logprobs: None = None


class ChatCompletion(msgspec.Struct, frozen=True):
    """A whole answer."""

    id: str
    created: int
    model: str
    choices: tuple[AnswerChoice, ...]
    usage: TokenUsage
    object: Literal["chat.completion"] = "chat.completion"


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a chunk adds: words, thoughts, or both."""

    content: str | None = None
    role: Literal["assistant"] | None = None
    reasoning_content: str | None = None


class DeltaChoice(msgspec.Struct, frozen=True):
    """What a chunk adds to the one answer, or why it ended."""

    delta: Delta
    finish_reason: FinishReason | None = None
    index: int = 0
    logprobs: None = None


class ChatChunk(msgspec.Struct, frozen=True):
    """A part of an answer."""

    id: str
    created: int
    model: str
    choices: tuple[DeltaChoice, ...]
    usage: TokenUsage | None = None
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"


class ModelDocument(msgspec.Struct, frozen=True):
    """A model that can be asked."""

    id: str
    created: int
    object: Literal["model"] = "model"
    owned_by: str = "cml"


class ModelsDocument(msgspec.Struct, frozen=True):
    """The models that can be asked: one."""

    data: tuple[ModelDocument, ...]
    object: Literal["list"] = "list"


def model_id(in_words: str) -> str:
    """Return the name by which clients ask for a model: its words, without what an address escapes."""
    return re.sub(r"[^\w.-]+", "-", in_words, flags=re.ASCII).strip("-")
