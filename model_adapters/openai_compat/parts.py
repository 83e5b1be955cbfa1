"""A context that a server holds: text in parts, with the tokens of each where they are known."""

from collections.abc import Iterable, Sequence

import msgspec


class ContextPart(msgspec.Struct, frozen=True):
    """A stretch of a context.

    Args:
        text: Its characters.
        ids: Its tokens; none where the server does not tell them.
        tokens: How many tokens it is, or is taken to be.
    """

    text: str
    ids: tuple[int, ...] = ()
    tokens: int = 0


class PartsCut(msgspec.Struct, frozen=True):
    """How what was received is cut after some of its characters.

    Args:
        kept: How many parts stay.
        put_back: Characters of the next one that stay: the cut goes through it.
        dropped: The characters that go.
        first: The tokens of the first part that goes.
    """

    kept: int
    put_back: str
    dropped: str
    first: tuple[int, ...]


def text_of(parts: Iterable[ContextPart]) -> str:
    """Return the characters of some parts."""
    return "".join(part.text for part in parts)


def last_characters(parts: Sequence[ContextPart]) -> Sequence[ContextPart]:
    """Return the last part that completes a character, from where that begins, and all behind it."""
    whole = (number for number in reversed(range(len(parts))) if parts[number].text)
    next(whole, None)
    return parts[next(whole, -1) + 1 :]


def cut(parts: list[ContextPart], length: int) -> PartsCut:
    """Return how to cut parts after their first `length` characters; fewer than they have.

    Args:
        parts: What was received. A part without characters begins one of the next part.
        length: How many characters stay.
    """
    kept, kept_characters, position = 0, 0, 0
    for number, part in enumerate(parts, start=1):
        position += len(part.text)
        if position <= length and part.text:
            kept, kept_characters = number, position
    text = text_of(parts)
    return PartsCut(kept, text[kept_characters:length], text[length:], parts[kept].ids)
