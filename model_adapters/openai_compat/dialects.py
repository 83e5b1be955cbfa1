"""What servers do beyond the interface that they share, and how each of them is asked for it.

A prompt of tokens says exactly what a context is, and no text in it can become a control token. It
takes a server that makes tokens of text for others; one that does not is sent text.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from cml.symbols import Marker
from model_adapters.openai_compat.parts import ContextPart
from model_adapters.prompt import Message
from model_adapters.tokens.chat_parts import Chat, chat_parts

_CONTROL: Final = re.compile(r"<[^<>\s]{1,60}>|\[/?[A-Z_]{2,40}\]")
"""What control tokens look like in all the vocabularies that servers are known to serve."""

_NO_TEXT: Final = re.compile(r"[\ufffd\ud800-\udfff]|^bytes:(?:\\x[0-9a-f]{2})+$")

_MARKERS: Final = frozenset(marker.value for marker in Marker)
_CHARACTERS_A_TOKEN: Final = 4
_FAR_AHEAD: Final = 1_000.0
"""Added to the scores of some tokens so that no other comes; small enough to keep their order."""


class Ask(Protocol):
    """Asks a server, at a path below its address."""

    def __call__(self, path: str, body: Mapping[str, object]) -> object:
        """Return its answer to a request with this body, read as JSON."""
        ...


class Fetch(Protocol):
    """Asks a server for what is to be read at a path below its address."""

    def __call__(self, path: str) -> object:
        """Return it, read as JSON."""
        ...


class Logprobs(msgspec.Struct, frozen=True):
    """Of each token of a chunk, in the form of llama.cpp: what it is."""

    content: tuple["NamedToken", ...] = ()


class NamedToken(msgspec.Struct, frozen=True):
    """A token with its id."""

    id: int


class Choice(msgspec.Struct, frozen=True):
    """What a chunk of a stream tells of the text."""

    text: str | None = ""
    finish_reason: str | None = None
    token_ids: tuple[int, ...] | None = None
    logprobs: Logprobs | None = None


class Holding(msgspec.Struct, frozen=True):
    """How a kind of server is told the grammar of an answer.

    Args:
        options: What a request says, given the grammar.
        end: Asks for the token that a grammar has to name as the end of an answer; None where the
            server ends an answer by itself as soon as the grammar allows.
    """

    options: Callable[[str], Mapping[str, object]]
    end: Callable[["Fetch"], str] | None


class Tokenizing(msgspec.Struct, frozen=True):
    """How a kind of server is asked in tokens instead of text.

    Args:
        encode: Makes tokens of a text, in which control tokens are those of a template or none.
        decode: Makes text of tokens, U+FFFD of bytes that are no character.
        ids: The tokens that a chunk tells, and whether it is of one token at most; None where they are
            to be made of its text.
        allowing: What a request says so that one of some tokens comes next.
    """

    encode: Callable[[Ask, str, bool], list[int]]
    decode: Callable[[Ask, Sequence[int]], str]
    ids: Callable[[Choice, bool], tuple[int, ...] | None]
    allowing: Callable[[Collection[int]], Mapping[str, object]]


class Dialect(msgspec.Struct, frozen=True):
    """How a kind of server is asked.

    Args:
        name: Of the kind.
        options: What is added to the body of each request.
        holding: How it is held to a grammar of llguidance, if it was built with that.
        tokens: How it is asked in tokens; None where it is not.
        render: Spells a chat as the model's template does; None where the server cannot.
    """

    name: str
    options: Mapping[str, object]
    holding: Holding
    tokens: Tokenizing | None
    render: Callable[[Ask, Chat], str] | None


class _Tokens(msgspec.Struct, frozen=True):
    tokens: list[int]


class _Prompt(msgspec.Struct, frozen=True):
    prompt: str


class _Content(msgspec.Struct, frozen=True):
    content: str


class _Properties(msgspec.Struct, frozen=True):
    eos_token: str


def part_of(dialect: Dialect, ask: Ask, text: str, *, control: bool = False) -> ContextPart:
    """Return a text as a part of a context.

    Args:
        dialect: The server's.
        ask: Asks it.
        text: Any text.
        control: Whether it is a template's, so that it may hold control tokens.
    """
    if dialect.tokens is None:
        safe = text if control else _spelled_apart(text)
        return ContextPart(safe, (), max(1, len(safe) // _CHARACTERS_A_TOKEN))
    ids: list[int] = []
    for stretch in [text] if control else _apart(text):
        if stretch:
            ids += dialect.tokens.encode(ask, stretch, control)
    return ContextPart(text, tuple(ids), len(ids))


def parts_of_chat(dialect: Dialect, ask: Ask, messages: Sequence[Message]) -> list[ContextPart]:
    """Return a chat as the server's model reads it, up to where its answer begins.

    Args:
        dialect: The server's.
        ask: Asks it.
        messages: The chat.
    """
    render = dialect.render

    def rendered(chat: Chat) -> str:
        return render(ask, chat) if render else _in_words(chat)

    return [
        part_of(dialect, ask, part.text, control=not part.is_content)
        for part in chat_parts(messages, rendered)
    ]


def _in_words(chat: Chat) -> str:
    """Spell a chat for a server that does not tell its template."""
    told = "".join(f"{message['role']}: {message['content']}\n\n" for message in chat)
    return f"{told}assistant: "


def is_plain(text: str) -> bool:
    r"""Return whether the name of a token is its text: whole characters, and no control token.

    A part of a character is named by U+FFFD, by halves, or as in `bytes:\xe2\x80`.
    """
    return bool(text) and not _NO_TEXT.search(text) and not looks_like_control(text)


def looks_like_control(text: str) -> bool:
    """Return whether there is something in a text that may be the name of a control token."""
    return _spelled_apart(text) != text


def _apart(text: str) -> Iterator[str]:
    """Cut a text inside everything that looks like a control token."""
    start = 0
    for match in _CONTROL.finditer(text):
        if match.group() not in _MARKERS:
            yield text[start : match.start() + 1]
            start = match.start() + 1
    yield text[start:]


def _spelled_apart(text: str) -> str:
    """Put a space into everything that looks like a control token: there is only text to send."""
    return _CONTROL.sub(
        lambda match: match[0] if match[0] in _MARKERS else f"{match[0][0]} {match[0][1:]}", text
    )


def _ids_of_llama_cpp(choice: Choice, is_alone: bool) -> tuple[int, ...] | None:
    """It tells the last token of each chunk. A character of several tokens comes in one chunk."""
    told = choice.logprobs.content if choice.logprobs else ()
    is_named = is_alone or (choice.text or "").isascii()
    return tuple(token.id for token in told) if is_named else None


def _encode_for_llama_cpp(ask: Ask, text: str, control: bool) -> list[int]:
    body = {"content": text, "parse_special": control, "add_special": False}
    return msgspec.convert(ask("/tokenize", body), _Tokens).tokens


def _encode_for_vllm(ask: Ask, text: str, _: bool) -> list[int]:
    body = {"prompt": text, "add_special_tokens": False}
    return msgspec.convert(ask("/tokenize", body), _Tokens).tokens


def _decode_for_llama_cpp(ask: Ask, tokens: Sequence[int]) -> str:
    return msgspec.convert(ask("/detokenize", {"tokens": tokens}), _Content).content


def _decode_for_vllm(ask: Ask, tokens: Sequence[int]) -> str:
    return msgspec.convert(ask("/detokenize", {"tokens": tokens}), _Prompt).prompt


def _render_by_llama_cpp(ask: Ask, chat: Chat) -> str:
    return msgspec.convert(ask("/apply-template", {"messages": chat}), _Prompt).prompt


def _render_by_vllm(ask: Ask, chat: Chat) -> str:
    tokens = msgspec.convert(ask("/tokenize", {"messages": chat}), _Tokens).tokens
    return _decode_for_vllm(ask, tokens)


def _end_of_llama_cpp(tell: Fetch) -> str:
    """It tells llguidance of one such token, which need not be the one that the model was trained to end with."""
    return msgspec.convert(tell("/props"), _Properties).eos_token


_HELD_AS_LLAMA_CPP: Final = Holding(lambda grammar: {"grammar": grammar}, _end_of_llama_cpp)
_HELD_AS_VLLM: Final = Holding(lambda grammar: {"structured_outputs": {"grammar": grammar}}, None)

LLAMA_CPP: Final = Dialect(
    "llama.cpp",
    {"cache_prompt": True, "n_probs": 1},
    _HELD_AS_LLAMA_CPP,
    Tokenizing(
        _encode_for_llama_cpp,
        _decode_for_llama_cpp,
        _ids_of_llama_cpp,
        lambda tokens: {"logit_bias": [[token, _FAR_AHEAD] for token in tokens]},
    ),
    _render_by_llama_cpp,
)
VLLM: Final = Dialect(
    "vLLM",
    {"return_token_ids": True, "skip_special_tokens": False},
    _HELD_AS_VLLM,
    Tokenizing(
        _encode_for_vllm,
        _decode_for_vllm,
        lambda choice, _: choice.token_ids,
        lambda tokens: {"allowed_token_ids": [*tokens]},
    ),
    _render_by_vllm,
)
PLAIN: Final = Dialect("no kind that is known", {}, _HELD_AS_LLAMA_CPP, None, None)
