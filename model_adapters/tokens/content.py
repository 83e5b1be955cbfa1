"""Text from outside, made ready for a tokenizer so that nothing in it becomes a control token."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from model_adapters.errors import AdapterError

REPLACEMENT = "\ufffd"


def apart(text: str, spellings: Iterable[str]) -> Iterator[str]:
    """Cut a text inside everything that spells a control token, so that no part spells one.

    Args:
        text: Any text.
        spellings: The characters of the control tokens.
    """
    found = re.compile("|".join(re.escape(s) for s in sorted(spellings, key=len, reverse=True)))
    start = 0
    for match in found.finditer(text) if found.pattern else ():
        yield text[start : match.start() + 1]
        start = match.start() + 1
    yield text[start:]


def spellable(text: str, decoded: Callable[[str], str]) -> str:
    """Replace what a vocabulary cannot spell by U+FFFD: some lack rare bytes, and drop them.

    Args:
        text: Any text.
        decoded: What becomes of a text that is made tokens and read again.
    """
    if decoded(text) == text:
        return text
    lost = {c for c in set(text) if not decoded(c).strip(REPLACEMENT)}
    return "".join(REPLACEMENT if c in lost else c for c in text)


def require_ordinary(tokens: Sequence[int], control: dict[int, str]) -> None:
    """Refuse tokens of a text from outside among which there is a control token.

    Args:
        tokens: What a tokenizer made of it.
        control: The control tokens, and how they are spelled.

    Raises:
        AdapterError: There is one.
    """
    if spoken := control.keys() & set(tokens):
        raise AdapterError(
            f"this model's tokenizer makes the control token {control[min(spoken)]} of ordinary "
            "text, so it is not safe to give it text from outside; use another model"
        )
