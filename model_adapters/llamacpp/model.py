"""A GGUF file: loaded once, for any number of sessions one after another, or some at a time."""

import codecs
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from interpreter.errors import missing_extra
from model_adapters.constraint.constraint import Vocabulary
from model_adapters.embedded.speaker.spelling import names_apart
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.engine import Engine
from model_adapters.llamacpp.gguf_tokens import GgufTokens, read_tokens
from model_adapters.opening import LOG
from model_adapters.tokens.chat_parts import Chat
from model_adapters.tokens.content import content_ids, keeps_text
from model_adapters.tokens.segment_text import TokenSpelling

if TYPE_CHECKING:
    from llguidance import LLTokenizer

_MOST_CONTEXT: Final = 16_384
"""What a context holds at most unless more is asked for: its memory is taken beforehand."""
_TAKEN: Final = b"a"
"""A whole character that every vocabulary of text has as a token (`Engine`)."""


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
        LOG.info("loading the weights of %s", path.stem)
        self.tokens: GgufTokens = read_tokens(path)
        if _TAKEN not in self.tokens.spelled:
            raise AdapterError(
                f"{path}: its vocabulary has no token for the letter {_TAKEN.decode()}"
            )
        self.context_tokens = context_tokens or min(self.tokens.context_tokens, _MOST_CONTEXT)
        self.engine = Engine(
            path,
            context_tokens=self.context_tokens * contexts,
            contexts=contexts,
            taken=self.tokens.spelled.index(_TAKEN),
            threads=threads,
        )
        self.in_words = f"{path.stem} in llama.cpp"
        self._free = [*reversed(range(contexts))]
        self._lock = Lock()
        if not keeps_text(self._plain, self._spelled):
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

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are: the length of a mask."""
        return len(self.tokens.spelled)

    @property
    def end_tokens(self) -> frozenset[int]:
        """The tokens that end an answer."""
        return self.tokens.ends

    @property
    def control(self) -> dict[int, str]:
        """The tokens that no content becomes, with their spellings."""
        return self.tokens.control

    def content_ids(self, text: str) -> list[int]:
        """Return the tokens of a text that comes from outside: ordinary ones, whatever it spells.

        Raises:
            AdapterError: The tokenizer makes a control token of it all the same.
        """
        return content_ids(text, self.tokens.control, self._plain, self._spelled)

    def template_ids(self, text: str) -> list[int]:
        """Return the tokens of what the chat template itself writes, control tokens among them."""
        return self._encoded(text, control=True)

    def render(self, chat: Chat) -> str:
        """Return a chat as the template spells it, up to where the model's answer begins.

        Raises:
            AdapterError: The model's chat template refuses the chat.
        """
        return self.engine.render(chat)

    def vocabulary(self) -> Vocabulary:
        """Return its tokens for a `Constraint`; half a second's work, for any number of them.

        Raises:
            MissingExtraError: llguidance is not installed.
            AdapterError: The file names no token that ends an answer.
        """
        LOG.info("preparing the mask")
        if not self.tokens.ends:
            raise AdapterError(
                f"{self.in_words}: the file names no token that ends an answer, so it cannot be masked"
            )
        return Vocabulary(_for_masks(self), self.vocabulary_size)

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
        self.engine.begin(number)
        try:
            yield number
        finally:
            with self._lock:
                self._free.append(number)

    def close(self) -> None:
        """Give the memory back. No session may use it after."""
        self.engine.close()

    def _plain(self, text: str) -> list[int]:
        return self._encoded(text, control=False)

    def _encoded(self, text: str, *, control: bool) -> list[int]:
        parts = names_apart(text) if self.tokens.has_names_apart else [text]
        return self.engine.tokenize(parts, control=control) if text else []

    def _spelled(self, ids: Sequence[int]) -> str:
        return b"".join(self.tokens.spelled[token] for token in ids).decode(errors="replace")


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
            return model.content_ids(text.decode())

    wrapped = TokenizerWrapper(_Tokenizer())
    return LLTokenizer(wrapped, eos_token=sorted(model.tokens.ends))
