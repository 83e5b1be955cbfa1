"""A session on a server that continues a prompt exactly.

The server decodes ahead while the runtime watches. At a trap or an interrupt its work is stopped,
what it decoded ahead is forgotten, the interrupt is put behind what the runtime has seen, and all of
it is sent as the prompt of a new request. Servers keep the prefixes of prompts: this costs the new
tokens and little more (docs/benchmarks.md). A connection that breaks is taken up again in this way.
"""

from collections.abc import Collection, Sequence
from typing import Literal

from interpreter.errors import HostError
from interpreter.session import (
    CONTEXT_LEFT,
    MASKS,
    RESTORE,
    TOKENS,
    Ability,
    Batch,
    EndOfDecoding,
    Piece,
)
from model_adapters.errors import AdapterError
from model_adapters.openai_compat.asking import AllowedTokens, Asking
from model_adapters.openai_compat.context import ServerContext
from model_adapters.openai_compat.dialects import looks_like_control
from model_adapters.openai_compat.feed import Feed, Reason, Stream
from model_adapters.openai_compat.held import HeldAnswer
from model_adapters.openai_compat.parts import ContextPart
from model_adapters.openai_compat.server import UNKNOWN_LENGTH, Server, Usage
from model_adapters.opening import GREEDY, Sampling
from model_adapters.prompt import Message


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
        self._held = held
        self._max_tokens = max_tokens
        self._decoded = 0
        self._context = ServerContext(server, messages)
        self._restored = ""
        self._asking = Asking(server, self._context, sampling, held, self._room)
        self._mask: AllowedTokens | None = None
        self._feed = Feed(server, self._begin)
        if self.context_left <= 0:
            raise AdapterError(
                f"the prompt has {server.context_tokens - self.context_left} tokens and a context "
                f"of {server.in_words} holds {server.context_tokens}; make it shorter"
            )

    @property
    def abilities(self) -> frozenset[Ability[object]]:
        """What it can do besides its verbs: that depends on what the server tells."""
        knows_room = self._server.context_tokens < UNKNOWN_LENGTH
        knows_tokens = self._server.dialect.tokens is not None
        return frozenset(
            {
                RESTORE,
                *([CONTEXT_LEFT] if knows_room else []),
                *([TOKENS, MASKS] if knows_tokens else []),
            }
        )

    @property
    def context_left(self) -> int:
        """How many more tokens the context can hold (Embed/context-left)."""
        return max(0, self._server.context_tokens - self._whole.tokens)

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the context, prompt included; none where the server does not tell them (Embed/tokens)."""
        return self._whole.ids

    @property
    def control_tokens(self) -> frozenset[int]:
        """The tokens that no content is encoded to: those of the model's template (Embed/tokens)."""
        return self._context.control_tokens

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the tokens that an append of this text makes of it (Embed/tokens)."""
        return self._context.content(text).ids

    def allow(self, tokens: Collection[int]) -> None:
        """Have the next decode choose among these tokens only, once (Embed/masks).

        Raises:
            HostError: None is given, or a number that is no token's, or the server tells no tokens.
        """
        tokenizing = self._server.dialect.tokens
        if tokenizing is None:
            raise HostError("Embed/masks", "this server tells no tokens, so none can be allowed")
        size = self._server.vocabulary_size
        if not tokens or min(tokens) < 0 or (size is not None and max(tokens) >= size):
            rest = "none below 0" if size is None else f"each from 0 to {size - 1}"
            raise HostError("Embed/masks", f"allow() takes at least one token, {rest}")
        self._mask = AllowedTokens(frozenset(tokens), tokenizing)

    @property
    def text(self) -> str:
        """The characters of the context, prompt included."""
        return self._whole.text

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
        part = self._feed.next() if self._mask is None else self._chosen(self._mask)
        if isinstance(part, str):
            return self._end(part)
        self._context.write(part)
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
        if self._context.begun:
            raise HostError("Embed/append", "text was appended inside a character; decode first")
        self._feed.stop()
        part = self._context.content(batch.text)
        self._context.append(part)
        self._asking.taken_back = None
        if self._held:
            self._held.appended(batch.interrupts)
        return part.tokens

    def rewind(self, characters: int) -> None:
        """Stop the server and drop the last characters that the model generated (Embed/rewind).

        Raises:
            HostError: The model has generated fewer since the last append.
        """
        self._write_restored()
        taken_back = self._context.rewind(characters)
        if taken_back is None:
            return
        self._feed.stop()
        self._asking.taken_back = taken_back
        if self._held:
            self._held.written_anew(self._context.written)

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        """Write what another session decoded, as the tokens that its text is encoded to (Embed/restore).
        The server is asked for them at one go when something is to follow.
        """
        self._asking.taken_back = None
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
    def _whole(self) -> ServerContext:
        """The context, with what was restored."""
        self._write_restored()
        return self._context

    def _write_restored(self) -> None:
        if self._restored:
            part = self._context.own(self._restored)
            self._restored = ""
            self._context.write(part)
            self._decoded += part.tokens
            if self._held:
                self._held.read(part.text)

    def _begin(self) -> Stream:
        if self._mask is not None:
            return self._asking.one_of(self._mask)
        return self._asking.next()

    def _room(self) -> int:
        return min(self._max_tokens - self._decoded, self.context_left)

    def _chosen(self, mask: AllowedTokens) -> ContextPart | Reason:
        """Choose under a mask. A single token need not be asked for: it is read with what follows. One
        that may be of a template is, for the server knows whether it is an end.
        """
        self._feed.stop()
        found = self._only(mask) or self._feed.next()
        self._feed.stop()
        self._mask = self._asking.taken_back = None
        return found

    def _only(self, mask: AllowedTokens) -> ContextPart | None:
        """Return the one token of a mask; None where the server has to say what comes of it."""
        [first, *others] = mask.allowed
        if others or self._held or first in self.control_tokens:
            return None
        part = self._context.spelled(first, mask.tokens)
        return None if looks_like_control(part.text) else part  # it may end the answer

    def _end(self, reason: Literal["stop", "length"]) -> EndOfDecoding:
        self._feed.stop()
        if self._held:
            self._held.ended()
        self._context.drop_begun()
        return EndOfDecoding(reason)
