"""llama.cpp in this process: what its server does, asked without a socket where that can be.

The package `xllamacpp` has the whole of llama.cpp's server. A decoding step is a request for one
token after a context whose beginning the server remembers: it costs what the same token costs in a
stream (docs/benchmarks.md), and it leaves the choice of the token, and the time of the next step,
to the session. Tokenizer and chat template can only be asked over the loopback, with a key that no
other program knows.
"""

import secrets
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from interpreter.errors import missing_extra
from interpreter.session import Logprob
from model_adapters.errors import AdapterError
from model_adapters.tokens.chat_parts import Chat

_BIAS: Final = 100.0
"""More than the distance of any two logits. What llama.cpp itself takes is of no use here, and it
tells nothing of a token that is half a character: so it is made to take a whole one."""

_TIMEOUT_S: Final = 60.0
_READ_AT_ONCE: Final = 128
"""How many tokens one request reads: nothing else in the process has its turn meanwhile, not even a
Ctrl-C, for a second or so."""


class _Token(msgspec.Struct, frozen=True):
    id: int
    logprob: float


class _Chosen(msgspec.Struct, frozen=True):
    top_logprobs: tuple[_Token, ...]


class _Logprobs(msgspec.Struct, frozen=True):
    content: tuple[_Chosen, ...]


class _Choice(msgspec.Struct, frozen=True):
    logprobs: _Logprobs


class _Timings(msgspec.Struct, frozen=True):
    prompt_n: int


class _Answer(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...]
    timings: _Timings


class _Tokens(msgspec.Struct, frozen=True):
    tokens: list[int]


class _Prompt(msgspec.Struct, frozen=True):
    prompt: str


class _Error(msgspec.Struct, frozen=True):
    message: str


class _Refusal(msgspec.Struct, frozen=True):
    error: _Error


_Reply = TypeVar("_Reply", _Tokens, _Prompt)


class Engine:
    """Weights in memory, and a number of contexts on them.

    Args:
        path: A GGUF file.
        context_tokens: How many tokens its contexts hold together.
        contexts: How many there can be at a time.
        taken: A token that is a whole character.
        threads: How many threads of the CPU compute. Two that wait for each other cost a busy
            machine a factor of fifty.

    Attributes:
        tokens_read: How many tokens it has read, for all contexts: those read again count again.

    Raises:
        MissingExtraError: The extra `llamacpp` is not installed.
        AdapterError: llama.cpp cannot load the file.
    """

    def __init__(
        self, path: Path, *, context_tokens: int, contexts: int, taken: int, threads: int
    ) -> None:
        try:
            from xllamacpp import CommonParams, Server
        except ImportError as error:
            raise missing_extra("llamacpp", error) from error
        self._taken = taken
        self._key = secrets.token_urlsafe()
        parameters = CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = context_tokens
        parameters.n_parallel = contexts
        parameters.kv_unified = True
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.api_keys = [self._key]
        parameters.special = True
        parameters.warmup = False
        parameters.ui = False
        # Else each step of one context puts all others aside, in copies, and fetches its own back.
        parameters.cache_idle_slots = False
        parameters.cache_ram_mib = 0
        parameters.verbosity = 0
        try:
            with _undisturbed():
                self._server: Server | None = Server(parameters)
        except RuntimeError as error:
            raise AdapterError(f"{path}: llama.cpp cannot load it: {error}") from error
        self._has_many = contexts > 1
        self._read: dict[int, int] = {}
        self._new: set[int] = set()
        self.tokens_read = 0
        self._address = urlsplit(self._server.listening_address).netloc

    def likeliest(self, ids: Sequence[int], context: int, most: int) -> tuple[Logprob, ...]:
        """Return the tokens that are the likeliest to come next, the likeliest first.

        Args:
            ids: The tokens so far; those that the context has already read are not read again.
            context: Which context they are kept in.
            most: How many.
        """
        read = self._read.get(context, 0)
        self._read[context] = len(ids)
        is_new = context in self._new
        self._new.discard(context)
        for end in range(read + _READ_AT_ONCE, len(ids), _READ_AT_ONCE):
            self._complete(ids[:end], context, 1, reread=is_new)
            is_new = False
        return self._complete(ids, context, most, reread=is_new)

    def begin(self, context: int) -> None:
        """Begin a context anew.

        Where there are others, what it has read before is read again, though it were the same: a token
        that is read alone has scores a little other than one among many, and what is decoded must not
        depend on which of the contexts it is decoded in.

        Args:
            context: Which.
        """
        if self._has_many:
            self._read[context] = 0
            self._new.add(context)

    def _complete(
        self, ids: Sequence[int], context: int, most: int, *, reread: bool
    ) -> tuple[Logprob, ...]:
        if self._server is None:
            raise AdapterError("llama.cpp was asked after it was closed")
        request = {
            "prompt": list(ids),
            "id_slot": context,
            "n_probs": most,
            "n_predict": 1,
            "cache_prompt": not reread,
            "temperature": 0.0,
            "logit_bias": [[self._taken, _BIAS]],
        }
        answer: object = self._server.handle_completions(request)
        try:
            found = msgspec.convert(answer, _Answer)
            [chosen] = found.choices[0].logprobs.content
        except (msgspec.ValidationError, ValueError):
            raise AdapterError(f"llama.cpp cannot decode: {_reason(answer)}") from None
        self.tokens_read += found.timings.prompt_n
        return tuple(Logprob(token.id, token.logprob) for token in chosen.top_logprobs)

    def tokenize(self, parts: Sequence[str], *, control: bool) -> list[int]:
        """Return the tokens of a text.

        Args:
            parts: The text, in parts that are encoded one by one.
            control: Whether what spells a control token becomes it.
        """
        body = {"content": parts, "parse_special": control, "add_special": False}
        return self._ask("/tokenize", body, _Tokens).tokens

    def render(self, chat: Chat) -> str:
        """Return a chat as the model's template spells it, with the beginning of the answer."""
        return self._ask("/apply-template", {"messages": chat}, _Prompt).prompt

    def close(self) -> None:
        """Give the memory back. Nothing may follow."""
        self._server = None

    def _ask(self, path: str, body: Mapping[str, object], reply: type[_Reply]) -> _Reply:
        connection = HTTPConnection(self._address, timeout=_TIMEOUT_S)
        answer = b""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            with _undisturbed():
                connection.request("POST", path, msgspec.json.encode(body), headers)
                answer = connection.getresponse().read()
            return msgspec.json.decode(answer, type=reply)
        except msgspec.DecodeError:
            raise AdapterError(f"llama.cpp refuses {path}: {_reason(answer)}") from None
        except (OSError, HTTPException) as error:
            raise AdapterError(f"llama.cpp does not answer {path}: {error!r}") from error
        finally:
            connection.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back: broken off while it loads or answers, llama.cpp may wait for ever."""
    if not hasattr(signal, "pthread_sigmask"):  # not on every system
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reason(answer: object) -> str:
    """Return why a request was refused, in llama.cpp's words."""
    try:
        if isinstance(answer, bytes):
            return msgspec.json.decode(answer, type=_Refusal).error.message
        return msgspec.convert(answer, _Refusal).error.message
    except msgspec.DecodeError:
        return repr(answer)[:200]
