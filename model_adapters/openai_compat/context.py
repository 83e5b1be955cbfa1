"""What a session's context holds, in parts: known here, and read anew by the server with each request."""

from collections.abc import Sequence
from functools import cached_property

import msgspec

from cml.wording import counted
from interpreter.errors import HostError
from model_adapters.openai_compat.dialects import Tokenizing, part_of, parts_of_chat
from model_adapters.openai_compat.parts import ContextPart, cut, last_characters, text_of
from model_adapters.openai_compat.server import Server
from model_adapters.prompt import Message


class TakenBack(msgspec.Struct, frozen=True):
    """What the model wrote and is not to write again at once.

    Args:
        tokens: The first token of it; none where the server does not tell its tokens.
        text: Its characters.
    """

    tokens: tuple[int, ...]
    text: str


class ServerContext:
    """The chat, and behind it what was written and appended.

    Args:
        server: Makes tokens of text where it can.
        messages: The chat.
    """

    def __init__(self, server: Server, messages: Sequence[Message]) -> None:
        self._server = server
        self._prompt = tuple(parts_of_chat(server.dialect, server.ask, messages))
        self._before = [*self._prompt]
        self._segment: list[ContextPart] = []
        self._tokens = sum(part.tokens for part in self._prompt)

    @property
    def parts(self) -> tuple[ContextPart, ...]:
        """All of it, prompt included."""
        return (*self._before, *self._segment)

    @property
    def ids(self) -> tuple[int, ...]:
        """Its tokens; none where the server does not tell them."""
        return tuple(token for part in self.parts for token in part.ids)

    @property
    def text(self) -> str:
        """Its characters."""
        return text_of(self.parts)

    @property
    def tokens(self) -> int:
        """How many tokens it has, or is taken to have."""
        return self._tokens  # asked for with each token: reckoned as it changes

    @property
    def written(self) -> str:
        """What was written since the last append."""
        return text_of(self._segment)

    @property
    def begun(self) -> int:
        """How many parts at the end make up a character that is not complete."""
        whole = (n for n, part in enumerate(reversed(self._segment)) if part.text)
        return next(whole, len(self._segment))

    @cached_property
    def control_tokens(self) -> frozenset[int]:
        """The tokens of the prompt that its text, as content, is not encoded to: those of the template."""
        return frozenset(
            token
            for part in self._prompt
            for token in {*part.ids}.difference(self.content(part.text).ids)
        )

    def content(self, text: str) -> ContextPart:
        """Return a text that comes from outside: no control token is in it."""
        return part_of(self._server.dialect, self._server.ask, text)

    def own(self, text: str) -> ContextPart:
        """Return text of the model's own: ordinary tokens, or the very characters."""
        dialect = self._server.dialect
        return part_of(dialect, self._server.ask, text, control=dialect.tokens is None)

    def spelled(self, token: int, tokens: Tokenizing) -> ContextPart:
        """Return a token as it is written behind what is there; without text, while it begins a character."""
        # The text of a token alone is another one: vocabularies drop a space at the beginning.
        behind = last_characters(self.parts)
        ids = [id_ for part in behind for id_ in part.ids]
        decoded, known = tokens.decode(self._server.ask, [*ids, token]), text_of(behind)
        if not decoded.startswith(known):  # its own space was dropped
            known = known.removeprefix(" ")
        text = decoded.removeprefix(known)
        return ContextPart("" if text.endswith("\ufffd") else text, (token,), 1)

    def write(self, part: ContextPart) -> None:
        """Put behind it what the model writes."""
        self._segment.append(part)
        self._tokens += part.tokens

    def append(self, part: ContextPart) -> None:
        """Put behind it what comes from outside: nothing before it is taken back any more."""
        self._before += [*self._segment, part]
        self._segment = []
        self._tokens += part.tokens

    def drop_begun(self) -> None:
        """Forget a character that is not complete."""
        self._cut(len(self._segment) - self.begun)

    def rewind(self, characters: int) -> TakenBack | None:
        """Take back the last characters that the model wrote.

        Raises:
            HostError: It has written fewer since the last append (Embed/rewind).
        """
        written = len(self.written)
        if not 0 <= characters <= written:
            raise HostError(
                "Embed/rewind",
                f"{counted(characters, 'character')} to drop, {written} since the last append",
            )
        if not characters:
            return None
        found = cut(self._segment, written - characters)
        self._cut(found.kept)
        if found.put_back:
            self.write(self.own(found.put_back))
        first = self.content(found.dropped).ids if found.put_back else found.first
        return TakenBack(first[:1], found.dropped)

    def _cut(self, kept: int) -> None:
        """Keep so many parts of what was written since the last append."""
        self._tokens -= sum(part.tokens for part in self._segment[kept:])
        del self._segment[kept:]
