"""What a server is asked for, so that a context goes on."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final

import msgspec

from model_adapters.errors import AdapterError
from model_adapters.openai_compat.arriving import WholeCharacters
from model_adapters.openai_compat.completion_events import (
    CompletionChunk,
    likeliest_first,
    note_usage,
)
from model_adapters.openai_compat.context import ServerContext, TakenBack
from model_adapters.openai_compat.dialects import Choice, Tokenizing, is_plain
from model_adapters.openai_compat.faults import ServerError
from model_adapters.openai_compat.feed import Stream
from model_adapters.openai_compat.held import HeldAnswer
from model_adapters.openai_compat.parts import ContextPart, text_of
from model_adapters.openai_compat.server import Server, sampling_options
from model_adapters.opening import Sampling

_NEVER: Final = -100
"""The least that may be added to the score of a token."""

_ALTERNATIVES: Final = 5
_USAGE_WITHIN_S: Final = 0.5
"""How long the end of an answer waits for what the server says that it took, in seconds."""


class AllowedTokens(msgspec.Struct, frozen=True):
    """The tokens of which one is to come next.

    Args:
        allowed: At least one.
        tokens: How the server is told of them.
    """

    allowed: frozenset[int]
    tokens: Tokenizing


class Asking:
    """Asks a server to go on with a context.

    Args:
        server: Where the answers come from.
        context: What they follow.
        sampling: How a token is chosen.
        held: What the answers are held to; None for nothing.
        room: Tells how many more tokens may come; at least one when something is asked for.

    Attributes:
        taken_back: What is not to come next.
    """

    def __init__(
        self,
        server: Server,
        context: ServerContext,
        sampling: Sampling,
        held: HeldAnswer | None,
        room: Callable[[], int],
    ) -> None:
        self._server = server
        self._context = context
        self._sampling = sampling
        self._held = held
        self._room = room
        self.taken_back: TakenBack | None = None

    def next(self) -> Stream:
        """Ask for what follows the context; first for a character without what was taken back."""
        if self.taken_back is not None:
            barred, text = self.taken_back.tokens, self.taken_back.text
            without = {"logit_bias": {str(token): _NEVER for token in barred}}
            other = self._stream(self._room(), without) if barred else self._stream_of(text)
            for found in other:
                self.taken_back = None
                yield found
                if isinstance(found, str):
                    return
                if found.text:  # a token may be half of a character: no request begins behind it
                    other.close()
        yield from self._stream(self._room(), {})

    def one_of(self, mask: AllowedTokens) -> Stream:
        """Ask for one of some tokens, by choice none that was just taken back.

        Raises:
            AdapterError: The server gives another one, or does not tell which.
        """
        barred = self.taken_back.tokens if self.taken_back else ()
        wanted = mask.allowed.difference(barred) or mask.allowed
        answer = [*self._stream(1, mask.tokens.allowing(wanted))]
        parts = [one for one in answer if isinstance(one, ContextPart)]
        if answer[-1:] == ["stop"] and not text_of(parts):
            yield "stop"  # an end token has no characters
            return
        token = _chosen(wanted, [token for part in parts for token in part.ids])
        is_spelled = not self._context.begun and text_of(parts) and text_of(parts).isascii()
        yield parts[0] if is_spelled else self._context.spelled(token, mask.tokens)

    def _stream_of(self, taken_back: str) -> Stream:
        yield self._context.own(self._alternative(taken_back))

    def _stream(self, most: int, body: Mapping[str, object]) -> Stream:
        server, characters = self._server, WholeCharacters()
        with server.stream("/completions", {**self._request(most), **body}) as events:
            for event in events:
                chunk = msgspec.convert(event, CompletionChunk)
                server.require_model(chunk.model)
                for choice in (chunk.choices or ())[:1]:
                    text = characters.add(choice.text or "")
                    if part := self._received(text, choice, is_alone=most == 1):
                        yield part
                    if choice.finish_reason:
                        with events.ending_within(_USAGE_WITHIN_S):
                            note_usage(server.usage, chain([event], events))
                        yield "length" if choice.finish_reason == "length" else "stop"
                        return
            if events.is_done:  # it keeps the reason to itself
                yield "stop"

    def _request(self, most: int) -> dict[str, object]:
        server = self._server
        return {
            **server.options,
            "model": server.model,
            "prompt": self._context.text if server.dialect.tokens is None else self._context.ids,
            "max_tokens": most,
            **sampling_options(self._sampling),
            **(self._held.options() if self._held else {}),
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def _received(self, text: str, choice: Choice, *, is_alone: bool) -> ContextPart | None:
        """Return what a chunk adds to the context, if anything."""
        tokens = self._server.dialect.tokens
        ids = tokens.ids(choice, is_alone) if tokens else ()
        if choice.finish_reason == "stop":  # the end token is among them
            ids = None if text else ()
        if ids is None:
            return self._context.own(text)
        return ContextPart(text, ids, max(1, len(ids))) if text or ids else None

    def _alternative(self, taken_back: str) -> str:
        """Return the likeliest beginning that is not one of the text that was taken back.

        Raises:
            ServerError: The server tells no alternatives that are whole characters.
        """
        body = {**self._request(1), "logprobs": _ALTERNATIVES}
        answer = self._server.answer(
            "/completions", {**body, "stream": False, "stream_options": None}
        )
        for text in likeliest_first(answer):
            if is_plain(text) and not taken_back.startswith(text):
                return text
        raise ServerError(
            f"{self._server.address.url}: it tells no alternative to a token that could be sent as text, "
            "so what was taken back would come again"
        )


def _chosen(wanted: frozenset[int], told: Sequence[int]) -> int:
    """Return which of some tokens a server chose.

    Raises:
        AdapterError: It chose another one, or does not tell which.
    """
    if not wanted.issuperset(told):
        raise AdapterError("no token may come next: the server's masks exclude each other")
    if told:
        return told[-1]
    if len(wanted) > 1:  # llama.cpp names no token within a character
        message = (
            "the server does not tell which part of a character it chose; allow one token alone"
        )
        raise AdapterError(message)
    [only] = wanted
    return only
