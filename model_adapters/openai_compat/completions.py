"""A session on a server that continues a prompt exactly.

The server decodes ahead while the runtime watches. At a trap or an interrupt its work is stopped,
what it decoded ahead is forgotten, the interrupt is put behind what the runtime has seen, and all of
it is sent as the prompt of a new request. Servers keep the prefixes of prompts: this costs the new
tokens and little more (docs/benchmarks.md). A connection that breaks is taken up again in this way.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, Literal

import msgspec

from cml.wording import counted
from interpreter.errors import HostError
from interpreter.session import CONTEXT_LEFT, RESTORE, Ability, Batch, EndOfDecoding, Piece
from model_adapters.errors import AdapterError
from model_adapters.openai_compat.characters import WholeCharacters
from model_adapters.openai_compat.completion_events import (
    CompletionChunk,
    likeliest_first,
    note_usage,
)
from model_adapters.openai_compat.dialects import Choice, is_plain, part_of, parts_of_chat
from model_adapters.openai_compat.faults import ServerError
from model_adapters.openai_compat.feed import Feed, Stream
from model_adapters.openai_compat.held import HeldAnswer
from model_adapters.openai_compat.parts import ContextPart, cut, text_of
from model_adapters.openai_compat.server import UNKNOWN_LENGTH, Server, Usage, sampling_options
from model_adapters.opening import GREEDY, Sampling
from model_adapters.prompt import Message

_NEVER: Final = -100
"""The least that may be added to the score of a token."""

_ALTERNATIVES: Final = 5
_USAGE_WITHIN_S: Final = 0.5
"""How long the end of an answer waits for what the server says that it took, in seconds."""


class CompletionsSession:
    """One context of a server (see `interpreter.session.Session`).

    Args:
        server: The server; it is closed with the session.
        messages: The chat so far; the model writes the answer.
        max_tokens: How many tokens it may write; appended ones do not count.
        sampling: How a token is chosen.
        held: What the answers are held to; None for nothing.

    Raises:
        AdapterError: The chat is too long, or the model takes no such chat.
    """

    def __init__(
        self,
        server: Server,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        sampling: Sampling = GREEDY,
        held: HeldAnswer | None = None,
    ) -> None:
        self._server = server
        self._sampling = sampling
        self._held = held
        self._max_tokens = max_tokens
        self._decoded = 0
        self._before = parts_of_chat(server.dialect, server.ask, messages)
        self._segment: list[ContextPart] = []
        self._restored = ""
        self._taken_back: tuple[tuple[int, ...], str] | None = None
        self._feed = Feed(server, self._begin)
        if self.context_left <= 0:
            raise AdapterError(
                f"the prompt has {server.context_tokens - self.context_left} tokens and a context "
                f"of {server.in_words} holds {server.context_tokens}; make it shorter"
            )

    @property
    def abilities(self) -> frozenset[Ability[object]]:
        """What it can do besides its verbs; it tells how much room there is where the server does."""
        known = self._server.context_tokens < UNKNOWN_LENGTH
        return frozenset({RESTORE, CONTEXT_LEFT} if known else {RESTORE})

    @property
    def context_left(self) -> int:
        """How many more tokens the context can hold (Embed/context-left)."""
        kept = sum(part.tokens for part in self._parts)
        return max(0, self._server.context_tokens - kept)

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the context, prompt included; none where the server does not tell them."""
        return tuple(token for part in self._parts for token in part.ids)

    @property
    def text(self) -> str:
        """The characters of the context, prompt included."""
        return text_of(self._parts)

    @property
    def usage(self) -> Usage:
        """What it has asked of its server so far."""
        return self._server.usage

    def decode(self) -> Piece | EndOfDecoding:
        """Decode a token, or what the server sends in one chunk, and keep it (Embed/decode).

        Raises:
            ServerError: The server does not give it.
        """
        self._write_restored()
        if self._decoded >= self._max_tokens or not self.context_left:
            self._feed.finish()
            return self._end("length")
        part = self._feed.next()
        if isinstance(part, str):
            return self._end(part)
        self._segment.append(part)
        self._decoded += part.tokens
        self._server.usage.received_tokens += part.tokens
        if self._held and self._held.read(part.text):
            self._feed.finish()  # behind a call there is another grammar
        return Piece(part.text, tokens=part.tokens, partial=not part.text)

    def append(self, batch: Batch) -> int:
        """Stop the server and append interrupts; return their number of tokens (Embed/append).

        What the context has no room for goes in all the same, and the decoding ends there. Where
        the server makes no tokens of text, their number is estimated, at four characters each.

        Raises:
            HostError: The context ends inside a character.
            ServerError: The server does not make tokens of the text.
        """
        self._write_restored()
        if self._begun:
            raise HostError("Embed/append", "text was appended inside a character; decode first")
        self._feed.stop()
        part = self._part(batch.text)
        self._before += [*self._segment, part]
        self._segment, self._taken_back = [], None
        if self._held:
            self._held.appended(batch.interrupts)
        return part.tokens

    def rewind(self, characters: int) -> None:
        """Stop the server and drop the last characters that the model generated (Embed/rewind).

        Raises:
            HostError: The model has generated fewer since the last append.
        """
        self._write_restored()
        written = len(text_of(self._segment))
        if not 0 <= characters <= written:
            raise HostError(
                "Embed/rewind",
                f"{counted(characters, 'character')} to drop, {written} since the last append",
            )
        if not characters:
            return
        self._feed.stop()
        found = cut(self._segment, written - characters)
        del self._segment[found.kept :]
        if found.put_back:
            self._segment.append(self._own(found.put_back))
        first = self._part(found.dropped).ids if found.put_back else found.first
        self._taken_back = first[:1], found.dropped
        if self._held:
            self._held.written_anew(text_of(self._segment))

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        """Write what another session decoded, as the tokens that its text is encoded to (Embed/restore).
        The server is asked for them at one go when something is to follow.
        """
        self._taken_back = None
        if isinstance(decoded, Piece):
            self._restored += decoded.text
        elif self._held:
            self._write_restored()
            self._held.ended()

    def close(self) -> None:
        """Stop the server's work and close the connection."""
        self._feed.stop()
        self._server.close()

    @property
    def _parts(self) -> tuple[ContextPart, ...]:
        """The context, prompt included."""
        self._write_restored()
        return (*self._before, *self._segment)

    def _write_restored(self) -> None:
        if self._restored:
            part = self._own(self._restored)
            self._restored = ""
            self._segment.append(part)
            self._decoded += part.tokens
            if self._held:
                self._held.read(part.text)

    @property
    def _begun(self) -> int:
        """How many parts at the end make up a character that is not complete."""
        whole = (n for n, part in enumerate(reversed(self._segment)) if part.text)
        return next(whole, len(self._segment))

    def _part(self, text: str) -> ContextPart:
        return part_of(self._server.dialect, self._server.ask, text)

    def _own(self, text: str) -> ContextPart:
        """Return text of the model's own: ordinary tokens, or the very characters."""
        server = self._server
        return part_of(server.dialect, server.ask, text, control=server.dialect.encode is None)

    def _end(self, reason: Literal["stop", "length"]) -> EndOfDecoding:
        self._feed.stop()
        if self._held:
            self._held.ended()
        del self._segment[len(self._segment) - self._begun :]
        return EndOfDecoding(reason)

    def _begin(self) -> Stream:
        """Ask for what follows the context; first for a character without what was taken back."""
        if self._taken_back is not None:
            token, text = self._taken_back
            without = {"logit_bias": {str(n): _NEVER for n in token}}
            other = self._stream(without) if token else self._stream_of(text)
            for found in other:
                self._taken_back = None
                yield found
                if isinstance(found, str):
                    return
                if found.text:  # a token may be half of a character: no request begins behind it
                    other.close()
        yield from self._stream({})

    def _stream_of(self, taken_back: str) -> Stream:
        yield self._own(self._alternative(taken_back))

    def _stream(self, body: Mapping[str, object]) -> Stream:
        server, characters = self._server, WholeCharacters()
        with server.stream("/completions", {**self._request(), **body}) as events:
            for event in events:
                chunk = msgspec.convert(event, CompletionChunk)
                server.require_model(chunk.model)
                for choice in (chunk.choices or ())[:1]:
                    text = characters.add(choice.text or "")
                    if part := self._received(text, choice):
                        yield part
                    if choice.finish_reason:
                        with events.ending_within(_USAGE_WITHIN_S):
                            note_usage(server.usage, chain([event], events))
                        yield "length" if choice.finish_reason == "length" else "stop"
                        return
            if events.is_done:  # it keeps the reason to itself
                yield "stop"

    def _request(self) -> dict[str, object]:
        server = self._server
        return {
            **server.options,
            "model": server.model,
            "prompt": self.text if server.dialect.encode is None else self.ids,
            "max_tokens": min(self._max_tokens - self._decoded, self.context_left),
            **sampling_options(self._sampling),
            **(self._held.options() if self._held else {}),
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def _received(self, text: str, choice: Choice) -> ContextPart | None:
        """Return what a chunk adds to the context, if anything."""
        ids = self._server.dialect.ids(choice)
        if choice.finish_reason == "stop":  # the end token is among them
            ids = None if text else ()
        if ids is None:
            return self._own(text)
        return ContextPart(text, ids, max(1, len(ids))) if text or ids else None

    def _alternative(self, taken_back: str) -> str:
        """Return the likeliest beginning that is not one of the text that was taken back.

        Raises:
            ServerError: The server tells no alternatives that are whole characters.
        """
        body = {**self._request(), "max_tokens": 1, "logprobs": _ALTERNATIVES}
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
