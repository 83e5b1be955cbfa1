"""Names apart: how the speaker's tokenizer cuts what others write with a space in front."""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from transformers import TokenizersBackend

# White space before a capital letter, before a letter that is not of ASCII, and before a word with
# a mark inside, such as an address or the name of a function.
_BEFORE_NAME: Final = r"\s* (?=[A-Z]|[^\x00-\x7f]|\w+[@._-]\w)"

NAMES_KEY: Final = "cml.names"
"""The key of a GGUF file of a model that was trained on CML; it says whether names are `APART`."""
APART: Final = "apart"

_PARTS: Final = re.compile(f"({_BEFORE_NAME})")


def names_apart(text: str) -> list[str]:
    """Return a text in the parts that are encoded one by one: those are what `set_names_apart` cuts."""
    return [part for part in _PARTS.split(text) if part]


def set_names_apart(tokenizer: "TokenizersBackend") -> None:
    """Have a tokenizer take the space before a name as a token of its own.

    A name has the same tokens then after a space, as in a question, and after a quotation mark or at
    the beginning of a line, as in an argument and in a list of tools: a small model can copy it. The
    text that tokens stand for is the same as before.

    Args:
        tokenizer: A byte-level one; it is changed.
    """
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Sequence, Split

    backend = tokenizer.backend_tokenizer
    apart = Split(Regex(_BEFORE_NAME), "isolated")
    backend.pre_tokenizer = Sequence([apart, backend.pre_tokenizer])
