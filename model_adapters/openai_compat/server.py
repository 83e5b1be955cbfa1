"""A server that speaks the OpenAI interface: reached, asked who it is, told what to do."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec
import openai

from cml.wording import counted
from model_adapters.errors import AdapterError
from model_adapters.openai_compat.address import KEY_VARIABLE, Address
from model_adapters.openai_compat.arriving import Arriving, EventStream
from model_adapters.openai_compat.dialects import LLAMA_CPP, PLAIN, VLLM, Dialect
from model_adapters.openai_compat.faults import (
    FAULTS,
    ServerError,
    ServerFault,
    fault_of,
)
from model_adapters.openai_compat.slots import hold_slot, release_slot
from model_adapters.opening import Sampling

_RETRIES: Final = 3
UNKNOWN_LENGTH: Final = 2**31
_LIMITS: Final = "x-ratelimit-remaining-"


class Usage(msgspec.Struct):
    """What a session has asked of its server so far.

    Args:
        requests: How many streams were begun.
        retries: How often one was begun anew, after a refusal or a break.
        received_tokens: What was decoded and is part of the context.
        prompt_tokens: What the requests began with, as far as the server tells.
        cached_tokens: What of it the server had kept, as far as it tells.
        limits: What is left of the rate limits, as the server puts it.
    """

    requests: int = 0
    retries: int = 0
    received_tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    limits: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def in_words(self) -> str:
        """One line of it, for a person."""
        words = (
            f"{counted(self.requests, 'request')}, {self.retries} of them again; "
            f"{counted(self.received_tokens, 'token')} received"
        )
        left = ", ".join(f"{name} {value}" for name, value in sorted(self.limits.items()))
        return f"{words}; rate limits: {left}" if left else words


class _Meta(msgspec.Struct, frozen=True):
    n_ctx: int = UNKNOWN_LENGTH
    n_params: int | None = None
    n_vocab: int | None = None


class _Model(msgspec.Struct, frozen=True):
    id: str
    owned_by: str = ""
    aliases: tuple[str, ...] = ()
    max_model_len: int = UNKNOWN_LENGTH
    meta: _Meta | None = None


class _Models(msgspec.Struct, frozen=True):
    data: tuple[_Model, ...] = ()


_DIALECTS: Final[Mapping[str, Dialect]] = {"llamacpp": LLAMA_CPP, "vllm": VLLM}
"""By who owns the models, as the server says."""


class Server:
    """A connection to a server, and what is known of it.

    Args:
        address: Where it is.
        key: Its key; None is that of the environment.
        first_wait_s: How long to wait before the first new try; each further wait is twice as long.

    Raises:
        ServerError: It cannot be reached, or does not serve the model.
    """

    def __init__(
        self, address: Address, *, key: str | None = None, first_wait_s: float = 0.5
    ) -> None:
        self.address = address
        self.first_wait_s = first_wait_s
        self.usage = Usage()
        self.client = openai.OpenAI(
            base_url=address.url,
            api_key=key or os.environ.get(KEY_VARIABLE) or "none",
            timeout=address.timeout_s,
            max_retries=_RETRIES,
        )
        self._root = urlsplit(address.url)._replace(path="").geturl()
        with ExitStack() as stack:
            stack.callback(self.client.close)
            served = self._served()
            self.dialect = _DIALECTS.get(served.owned_by, PLAIN)
            self._slot = hold_slot(address.url, self._slots())
            stack.pop_all()  # from here on it is for who has the server to close it
        self.model = served.id
        self._names = {served.id, *served.aliases}
        self.context_tokens = served.meta.n_ctx if served.meta else served.max_model_len
        self.parameters = served.meta.n_params if served.meta else None
        self.vocabulary_size = served.meta.n_vocab if served.meta else None
        self.options: Mapping[str, object] = {
            **self.dialect.options,
            **({} if self._slot is None else {"id_slot": self._slot}),
        }

    @property
    def in_words(self) -> str:
        """What decodes, for the header of a trace."""
        return f"{self.model} at {self.address.url}"

    def ask(self, path: str, body: Mapping[str, object]) -> object:
        """Return the answer to a request below the server's address (`Ask`).

        Raises:
            ServerError: It does not answer.
        """
        return self.answer(f"{self._root}{path}", body)

    def tell(self, path: str) -> object:
        """Return what is to be read below the server's address, as JSON.

        Raises:
            ServerError: It does not tell.
        """
        try:
            return self.client.get(f"{self._root}{path}", cast_to=object)
        except FAULTS as error:
            raise self.error(self.fault(error)) from error

    def answer(self, path: str, body: Mapping[str, object]) -> object:
        """Return the answer to a request of the interface, read as JSON.

        Raises:
            ServerError: It does not answer.
        """
        try:
            return self.client.post(path, body=body, cast_to=object)
        except FAULTS as error:
            raise self.error(self.fault(error)) from error

    @contextmanager
    def stream(self, path: str, body: Mapping[str, object]) -> Iterator[Arriving]:
        """Give the events of a stream, each read as JSON; what the server does for it ends with it.

        Raises what the client raises: whether to try again is for who knows what was received.
        """
        once = self.client.with_options(max_retries=0)
        self.usage.requests += 1
        with once.post(
            path, body=body, cast_to=object, stream=True, stream_cls=EventStream
        ) as events:
            for name, value in events.response.headers.items():
                if name.startswith(_LIMITS):
                    self.usage.limits[name.removeprefix(_LIMITS)] = value
            yield Arriving(events)

    def fault(self, error: Exception) -> ServerFault:
        """Return what an error of the client says."""
        return fault_of(error, timeout_s=self.address.timeout_s)

    def error(self, fault: ServerFault) -> ServerError:
        """Return the error to raise for a fault."""
        return ServerError(f"{self.address.url}: {fault.message}")

    def require_model(self, name: str | None) -> None:
        """Refuse the answer of another model than the one that was asked.

        Raises:
            ServerError: The name is another one.
        """
        if name and name not in self._names:
            raise ServerError(
                f"{self.address.url}: {self.model!r} was asked and {name!r} answers; "
                "name the model that is wanted, as in openai:URL?model=NAME"
            )

    def close(self) -> None:
        """Close the connection. Nothing may follow."""
        release_slot(self.address.url, self._slot)
        self.client.close()

    def _slots(self) -> object:
        if self.dialect is not LLAMA_CPP:
            return []
        with suppress(ServerError):  # it may have been told to keep this to itself
            return self.tell("/slots")
        return []

    def _served(self) -> _Model:
        wanted = self.address.model
        try:
            found = msgspec.convert(self.client.get("/models", cast_to=object), _Models).data
        except openai.NotFoundError:
            found = ()
        except msgspec.ValidationError:
            found = ()
        except FAULTS as error:
            raise self.error(self.fault(error)) from error
        if not found and wanted:
            return _Model(wanted)
        fitting = [model for model in found if wanted in {None, model.id, *model.aliases}]
        if len(fitting) == 1:
            return fitting[0]
        names = ", ".join(model.id for model in found[:20]) or "none that it tells"
        asked = f"it has no model {wanted!r}" if wanted else "it does not say which model to use"
        raise AdapterError(
            f"{self.address.url}: {asked}; give openai:URL?model=NAME, one of these: {names}"
        )


def sampling_options(sampling: Sampling) -> dict[str, object]:
    """Return how a token is to be chosen, in the words of the interface."""
    if sampling.temperature <= 0:
        return {"temperature": 0.0}
    chosen: dict[str, object] = {"temperature": sampling.temperature, "seed": sampling.seed}
    if sampling.top_p < 1:
        chosen["top_p"] = sampling.top_p
    if sampling.top_k is not None:  # not of the interface; llama.cpp and vLLM know it
        chosen["top_k"] = sampling.top_k
    return chosen
