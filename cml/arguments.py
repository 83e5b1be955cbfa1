"""What public functions are given, checked: a caller's mistake is told in one sentence."""

from collections.abc import Iterable

from cml.ast import Context, Item
from cml.profile import Profile


def take_profile(profile: object) -> Profile:
    """Return the profile that a function was given, or the default one for None.

    Raises:
        TypeError: It is something else.
    """
    if profile is None:
        return Profile()
    if not isinstance(profile, Profile):
        raise TypeError(f"a profile is a cml.Profile, not {kind_of(profile)}")
    return profile


def require_text(text: object) -> None:
    """Check that something is the text of a context.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(text, str | bytes):
        raise TypeError(f"a context is text: str, or bytes of UTF-8, not {kind_of(text)}")


def take_pieces(pieces: object) -> Iterable[str | bytes]:
    """Yield pieces of text on, as they come.

    Raises:
        TypeError: They are no pieces, or one of them is no text.
    """
    if not isinstance(pieces, Iterable):
        words = "a context is text, its pieces, or a tree: str, bytes, an iterable of them, Context"
        raise TypeError(f"{words}; not {kind_of(pieces)}")
    for piece in pieces:
        require_text(piece)
        yield piece


def take_items(context: object) -> Iterable[Item]:
    """Yield the items of a tree, or what is given instead of one.

    Raises:
        TypeError: It is no tree and holds no items.
    """
    items = context.items if isinstance(context, Context) else context
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise TypeError(f"what is printed is a cml.Context or its items, not {kind_of(items)}")
    for item in items:
        if not isinstance(item, Item):
            raise TypeError(
                f"an item is a Text, Call, Interrupt, Trap or Malformed, not {kind_of(item)}"
            )
        yield item


def require(value: object, kind: type, expected: str) -> None:
    """Check that something is of the kind that a function takes.

    Args:
        value: What it was given.
        kind: What it takes.
        expected: The same in words, as in `settings are interpreter.Settings`.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{expected}, not {kind_of(value)}")


def kind_of(value: object) -> str:
    """Return the type of a value as it is named in a sentence: `an int`."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
