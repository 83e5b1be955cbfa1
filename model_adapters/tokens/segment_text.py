"""What a model wrote since the runtime last appended something: its tokens and their characters."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

TokenSpelling: TypeAlias = Callable[[int], str | None]
"""Takes a token and returns the characters that it completes; None where the text ends inside one."""

# Of the context before: some tokenizers spell a token differently at the very beginning of a text.
_CONTEXT_TOKENS: Final = 8


class WrittenToken(msgspec.Struct, frozen=True):
    """A token that the model wrote.

    Args:
        token: Its id.
        text: The characters that it completes.
        partial: Whether the text ends inside a character after it.
    """

    token: int
    text: str
    partial: bool


class Cut(msgspec.Struct, frozen=True):
    """How a segment is cut after some of its characters.

    Args:
        tokens: How many tokens have to go.
        put_back: Characters of them that stay: the cut goes through a token.
        dropped: The characters that go.
        first: The first token that goes.
    """

    tokens: int
    put_back: str
    dropped: str
    first: int


class SegmentText:
    """The tokens and the text of one segment.

    Args:
        begin: Returns the spelling of what follows some tokens; they end with a whole character.
        before: The tokens of the context before it.
    """

    def __init__(
        self, begin: Callable[[Sequence[int]], TokenSpelling], before: Sequence[int]
    ) -> None:
        self._begin = begin
        self._before = tuple(before[-_CONTEXT_TOKENS:])
        self._written: list[WrittenToken] = []
        self._spell = self._spelling()

    @property
    def text(self) -> str:
        """The complete characters of the segment."""
        return "".join(written.text for written in self._written)

    @property
    def begun(self) -> int:
        """How many tokens at the end make up a character that is not complete."""
        complete = (n for n, written in enumerate(reversed(self._written)) if not written.partial)
        return next(complete, len(self._written))

    def add(self, token: int) -> WrittenToken:
        """Take a token and return what characters it completes."""
        text = self._spell(token)
        self._written.append(WrittenToken(token, text or "", partial=text is None))
        return self._written[-1]

    def put_back(self, tokens: Sequence[int], text: str) -> None:
        """Take characters that stay of a token that a cut went through, as whole ones.

        Args:
            tokens: What they are encoded to; at least one.
            text: The characters.
        """
        *first, last = tokens
        self._written += [WrittenToken(token, "", partial=True) for token in first]
        self._written.append(WrittenToken(last, text, partial=False))
        self._spell = self._spelling()

    def drop(self, tokens: int) -> None:
        """Forget the last tokens; they end where a character does, or in the segment's beginning."""
        del self._written[len(self._written) - tokens :]
        self._spell = self._spelling()

    def cut(self, length: int) -> Cut:
        """Return how to cut the segment after its first `length` characters; fewer than it has."""
        text, kept, kept_characters, position = self.text, 0, 0, 0
        for number, written in enumerate(self._written, start=1):
            position += len(written.text)
            if position <= length and not written.partial:
                kept, kept_characters = number, position
        return Cut(
            tokens=len(self._written) - kept,
            put_back=text[kept_characters:length],
            dropped=text[length:],
            first=self._written[kept].token,
        )

    def _spelling(self) -> TokenSpelling:
        tokens = [*self._before, *(written.token for written in self._written)]
        return self._begin(tokens[-_CONTEXT_TOKENS:])
