"""A GGUF file: loaded once, for any number of sessions one after another, or some at a time."""

import codecs
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from interpreter.errors import missing_extra
from model_adapters.constraint.constraint import Vocabulary
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.engine import Engine
from model_adapters.llamacpp.gguf_tokens import GgufTokens, read_tokens
from model_adapters.prompt import Message
from model_adapters.tokens.chat_parts import chat_parts
from model_adapters.tokens.content import apart, require_ordinary, spellable
from model_adapters.tokens.segment_text import TokenSpelling

if TYPE_CHECKING:
    from llguidance import LLTokenizer

_MOST_CONTEXT: Final = 16_384
"""What a context holds at most unless more is asked for: its memory is taken beforehand."""


class GgufModel:
    """Weights, tokenizer and chat template of a GGUF file.

    Args:
        path: The file.
        context_tokens: How many tokens a context holds; None is what the model was made for, up
            to 16,384.
        contexts: How many sessions there can be at a time.
        threads: How many threads of the CPU compute.

    Raises:
        MissingExtraError: The extra `llamacpp` is not installed.
        AdapterError: The file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int | None = None,
        contexts: int = 1,
        threads: int = 1,
    ) -> None:
        self.tokens: GgufTokens = read_tokens(path)
        self.context_tokens = context_tokens or min(self.tokens.context_tokens, _MOST_CONTEXT)
        self.engine = Engine(
            path,
            context_tokens=self.context_tokens * contexts,
            contexts=contexts,
            taken=self.tokens.spelled.index(b"a"),
            threads=threads,
        )
        self.in_words = f"{path.stem} in llama.cpp"
        self._free = set(range(contexts))
        self._lock = Lock()
        if not self._keeps_text():
            raise AdapterError(
                f"{path}: its tokenizer changes text that is appended in parts; "
                "use a model with a byte-level tokenizer"
            )

    def begin_spelling(self, before: Sequence[int]) -> TokenSpelling:  # noqa: ARG002  bytes need no context
        """Return what tells the characters of tokens one by one (`SegmentText`)."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        held = ""

        def spell(token: int) -> str | None:
            nonlocal held
            held += decoder.decode(self.tokens.spelled[token])
            if decoder.getstate()[0]:
                return None
            text, held = held, ""
            return text

        return spell

    def content_ids(self, text: str) -> list[int]:
        """Return the tokens of a text that comes from outside: ordinary tokens, whatever it spells.

        Some vocabularies lack rare bytes and drop them; a character with such a byte becomes U+FFFD.

        Raises:
            AdapterError: The tokenizer makes a control token of it all the same.
        """
        control = self.tokens.control
        spelled = spellable(text, lambda part: self._text(self._plain(part)))
        ids = [token for part in apart(spelled, control.values()) for token in self._plain(part)]
        require_ordinary(ids, control)
        return ids

    def chat_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a chat, up to where the model's answer begins.

        Raises:
            AdapterError: The model's chat template refuses these messages.
        """
        ids: list[int] = []
        for part in chat_parts(messages, self.engine.render):
            if part.is_content:
                ids += self.content_ids(part.text)
            else:
                ids += self.engine.tokenize(part.text, control=True)
        return ids

    def vocabulary(self) -> Vocabulary:
        """Return its tokens for a `Constraint`; half a second's work, for any number of them.

        Raises:
            MissingExtraError: llguidance is not installed.
        """
        return Vocabulary(_for_masks(self), len(self.tokens.spelled))

    @contextmanager
    def context(self) -> Iterator[int]:
        """Lend one of the contexts.

        Raises:
            AdapterError: All are taken.
        """
        with self._lock:
            if not self._free:
                raise AdapterError("all contexts are taken; load the model with more `contexts`")
            number = self._free.pop()
        try:
            yield number
        finally:
            with self._lock:
                self._free.add(number)

    def close(self) -> None:
        """Give the memory back. No session may use it after."""
        self.engine.close()

    def _plain(self, text: str) -> list[int]:
        return self.engine.tokenize(text, control=False) if text else []

    def _text(self, ids: Sequence[int]) -> str:
        return b"".join(self.tokens.spelled[token] for token in ids).decode(errors="replace")

    def _keeps_text(self) -> bool:
        """Whether parts that are encoded one by one decode to their sum: some tokenizers add spaces."""
        parts = [self._plain(part) for part in ("a", "b [c]", "\n")]
        return self._text([token for ids in parts for token in ids]) == "ab [c]\n"


def _for_masks(model: GgufModel) -> "LLTokenizer":
    try:
        from llguidance import LLTokenizer, TokenizerWrapper
    except ImportError as error:
        raise missing_extra("llamacpp", error) from error

    class _Tokenizer:
        eos_token_id = min(model.tokens.ends)
        bos_token_id = None
        tokens = model.tokens.spelled
        special_token_ids = tuple(model.tokens.control)

        def __call__(self, text: bytes) -> list[int]:
            return model.engine.tokenize(text.decode(), control=False)

    wrapped = TokenizerWrapper(_Tokenizer())
    return LLTokenizer(wrapped, eos_token=sorted(model.tokens.ends))
