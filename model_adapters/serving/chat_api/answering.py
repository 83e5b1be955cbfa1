"""The chat endpoint that clients of OpenAI's API know. Functions run here while the model decodes, and
a client hears prose: it need not know that anything is asynchronous.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request

from interpreter.events import Finish, Row
from model_adapters.serving.chat_api.forms import (
    AnswerChoice,
    AnswerMessage,
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    Delta,
    DeltaChoice,
    FinishReason,
    ModelDocument,
    ModelsDocument,
    TokenUsage,
    model_id,
    wanted_of,
)
from model_adapters.serving.chat_api.heard import Heard, HeardText
from model_adapters.serving.endpoint import Endpoint
from model_adapters.serving.events import SIGN_OF_LIFE, SIGN_OF_LIFE_S, EventsAnswer
from model_adapters.serving.live.session import LiveSession
from model_adapters.serving.live.sessions import LiveSessions
from model_adapters.serving.wire import JsonAnswer, RefusedError, error_document

_STARTED: Final = int(time.time())
_SESSION: Final = "x-cml-session"
"""The header that names the session of an answer: its rows can be read, and watched, as any other's."""

Waited = TypeVar("Waited")


async def models(sessions: LiveSessions, _: Request) -> ModelsDocument:
    """List the models: the one that this server has."""
    return ModelsDocument((_model(sessions),))


async def model(sessions: LiveSessions, request: Request) -> ModelDocument:
    """Describe a model."""
    return _require_model(sessions, request.path_params["model"])


async def chat(
    sessions: LiveSessions, request: Request, body: ChatRequest
) -> JsonAnswer[ChatCompletion] | EventsAnswer:
    """Answer a chat, whole or in chunks. The server's functions are called on the way."""
    named = _require_model(sessions, body.model)
    live = await sessions.begin(wanted_of(body), turns="one")
    answer = _Answering(live, named.id)
    headers = {_SESSION: live.id}
    if body.stream:
        has_usage = body.stream_options is not None and body.stream_options.include_usage
        return EventsAnswer(answer.chunks(has_usage=has_usage), headers, answer.leave)
    try:
        return JsonAnswer(await _while_wanted(request, answer.whole()), headers=headers)
    finally:
        answer.leave()


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/chat/completions", chat),
    Endpoint("GET", "/v1/models", models),
    Endpoint("GET", "/v1/models/{model:path}", model),
)
"""What there is of OpenAI's API."""


class _Answering:
    """Makes an answer out of the rows of a session.

    Args:
        live: The session; it has one turn.
        name: The name of the model.
    """

    def __init__(self, live: LiveSession, name: str) -> None:
        self._live = live
        self._id = f"chatcmpl-{live.id}"
        self._created = int(time.time())
        self._name = name
        self._heard = Heard(live.log.header.settings.profile.regions)
        self._finish: FinishReason = "stop"

    async def whole(self) -> ChatCompletion:
        """Return the answer.

        Raises:
            RefusedError: The session failed, or was closed.
        """
        heard = [words async for words in self._words()]
        thought = "".join(words.thought for words in heard)
        message = AnswerMessage("".join(words.prose for words in heard), thought or None)
        choice = AnswerChoice(message, self._finish)
        return ChatCompletion(self._id, self._created, self._name, (choice,), self._usage())

    async def chunks(self, *, has_usage: bool) -> AsyncIterator[bytes]:
        """Yield the answer as server-sent events.

        Args:
            has_usage: Whether the last chunk tells the tokens.
        """
        yield self._chunk(DeltaChoice(Delta("", "assistant")))
        try:
            async for words in self._words():
                yield self._heard_chunk(words) if any(words) else SIGN_OF_LIFE
        except RefusedError as refused:
            yield _data(error_document(refused))
            return
        yield self._chunk(DeltaChoice(Delta(), self._finish))
        if has_usage:
            yield self._chunk(usage=self._usage())
        yield b"data: [DONE]\n\n"

    def leave(self) -> None:
        """End the session, if it still runs: whoever asked went away."""
        self._live.close_soon("the client went away")

    async def _words(self) -> AsyncIterator[HeardText]:
        """Yield what is heard, as it comes; nothing as a sign of life."""
        async for rows in self._live.log.follow(0, SIGN_OF_LIFE_S):
            heard = [self._take(row) for row in rows]
            prose = "".join(each.prose for each in heard)
            thought = "".join(each.thought for each in heard)
            if prose or thought or not rows:
                yield HeardText(prose, thought)
        if any(rest := self._heard.end()):
            yield rest
        ended = self._live.log.ended
        if ended is not None and ended.reason != "over":
            message = ended.message or "the session was closed"
            raise RefusedError(500, message, ended.reason)

    def _take(self, row: Row) -> HeardText:
        for effect in row.effects:
            if isinstance(effect, Finish):
                self._finish = "length" if effect.reason == "length" else "stop"
        return self._heard.take(row)

    def _heard_chunk(self, heard: HeardText) -> bytes:
        delta = Delta(heard.prose or None, reasoning_content=heard.thought or None)
        return self._chunk(DeltaChoice(delta))

    def _chunk(self, *choices: DeltaChoice, usage: TokenUsage | None = None) -> bytes:
        return _data(ChatChunk(self._id, self._created, self._name, choices, usage))

    def _usage(self) -> TokenUsage:
        read, decoded = self._live.session.read, self._live.session.decoded
        return TokenUsage(read, decoded, read + decoded)


def _data(document: msgspec.Struct) -> bytes:
    return b"data: %s\n\n" % msgspec.json.encode(document)


def _model(sessions: LiveSessions) -> ModelDocument:
    return ModelDocument(model_id(sessions.source.model), _STARTED)


def _require_model(sessions: LiveSessions, name: str) -> ModelDocument:
    only = _model(sessions)
    if name != only.id:
        message = f"there is no model {name!r}; this server has {only.id!r}"
        raise RefusedError(404, message, "model_not_found", "model")
    return only


async def _while_wanted(request: Request, answer: Awaitable[Waited]) -> Waited:
    """Wait for an answer, as long as somebody waits for it.

    Raises:
        RefusedError: Nobody does any more.
    """
    answering = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        raise RefusedError(499, "the client went away", "gone")
    finally:
        answering.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
