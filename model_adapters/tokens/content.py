"""Text from outside, made ready for a tokenizer so that nothing in it becomes a control token."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from model_adapters.errors import AdapterError

REPLACEMENT = "\ufffd"


def apart(text: str, spellings: Iterable[str]) -> Iterator[str]:
    """Cut a text inside everything that spells a control token, so that no part spells one.

    Args:
        text: Any text.
        spellings: The characters of the control tokens.
    """
    found = _any_of(tuple(spellings))
    start = 0
    for match in found.finditer(text) if found.pattern else ():
        yield text[start : match.start() + 1]
        start = match.start() + 1
    yield text[start:]


@lru_cache(maxsize=8)
def _any_of(spellings: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds them. Some models have thousands, so it is made once for each."""
    return re.compile("|".join(re.escape(s) for s in sorted(spellings, key=len, reverse=True)))


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


def require_ordinary(tokens: Sequence[int], control: Mapping[int, str]) -> None:
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


def content_ids(
    text: str,
    control: Mapping[int, str],
    plain: Callable[[str], list[int]],
    spelled: Callable[[Sequence[int]], str],
) -> list[int]:
    """Return the tokens of a text that comes from outside: ordinary tokens, whatever it spells.

    Some vocabularies lack rare bytes and drop them; a character with such a byte becomes U+FFFD.

    Args:
        text: Any text.
        control: The control tokens, and how they are spelled.
        plain: Makes tokens of a text.
        spelled: Makes text of tokens.

    Raises:
        AdapterError: The tokenizer makes a control token of it all the same.
    """
    whole = spellable(text, lambda part: spelled(plain(part)))
    ids = [token for part in apart(whole, control.values()) for token in plain(part)]
    require_ordinary(ids, control)
    return ids


def keeps_text(plain: Callable[[str], list[int]], spelled: Callable[[Sequence[int]], str]) -> bool:
    """Whether parts that are encoded one by one decode to their sum: some tokenizers add spaces.

    Args:
        plain: Makes tokens of a text.
        spelled: Makes text of tokens.
    """
    parts = [plain(part) for part in ("a", "b [c]", "\n")]
    return spelled([token for ids in parts for token in ids]) == "ab [c]\n"
