"""Where sessions come from: a backend whose model is loaded once, with the functions of the server."""

from concurrent.futures import Executor
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from interpreter.executors.threads import DaemonThreads
from interpreter.session import Session
from interpreter.state import DeliverWhen, Duration, Settings
from model_adapters.backends import Request, open_backend
from model_adapters.opening import Sampling
from model_adapters.prompt import Message

Chosen = TypeVar("Chosen", bound=msgspec.Struct)


class SessionWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may choose of a session; null leaves it to the server.

    Args:
        question: What is asked.
        chat: What was said before it.
        max_tokens: Limit of what the model writes in a turn.
        min_calls: Calls that it has to begin with.
        max_calls: Calls that it may write in all.
        temperature: How much chance there is in the choice of a token; 0 takes the likeliest.
        top_k: Choose among so many of the likeliest tokens only.
        top_p: Choose among the likeliest that together have this probability only.
        seed: Of the random numbers.
        deliver: Where interrupts go in: `any`, `word`, `line` or `idle`.
        deadline_us: How long each call may run, in microseconds.
    """

    question: Annotated[str, Meta(min_length=1)]
    chat: tuple[Message, ...] = ()
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    min_calls: Annotated[int, Meta(ge=0)] | None = None
    max_calls: Annotated[int, Meta(ge=0)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=100)] | None = None
    top_k: Annotated[int, Meta(ge=1)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    deliver: DeliverWhen | None = None
    deadline_us: Duration | None = None


class Source:
    """Makes sessions of one backend.

    Args:
        request: What every session is wanted for, where a client does not say otherwise.
        settings: The same for what the host chooses.
        executor: Where functions are called; None for threads of this process.

    Attributes:
        model: What decodes, in words.
        functions: What the model may call, by name.
        most_open: How many sessions there may be at a time.
        decoder: Where sessions are made and do what they are asked: in a thread for each where they
            decode together or have nothing to do with each other, else in one, where they take turns
            with what they share.

    Raises:
        AdapterError: The backend cannot be had.
        MissingExtraError: It needs a package that is not installed.
        HostError: What was opened breaks the contract of spec/5-embedding.md.
    """

    def __init__(
        self, request: Request, settings: Settings, executor: Executor | None = None
    ) -> None:
        self._request = request
        self._opened = open_backend(request)  # loads the model, and finds out what is wrong
        self._opened.session.close()
        self._settings = self._opened.fitted(settings)
        self.model = self._opened.model
        self.functions = request.functions
        self.executor = executor
        self.most_open = request.sessions
        take_turns = self._opened.another is not None and not self._opened.together
        self.decoder = DaemonThreads("cml-decode", 1 if take_turns else request.sessions)

    def session(self, wanted: SessionWanted) -> Session:
        """Make a session; in the decoder.

        Raises:
            AdapterError: It cannot be had: the chat is too long, or the model takes no such one.
            HostError: It breaks the contract.
        """
        request = self._request
        request = replace(
            _chosen(request, wanted, ("max_tokens", "min_calls", "max_calls")),
            prompt=wanted.question,
            chat=wanted.chat,
            sampling=_chosen(request.sampling, wanted, Sampling.__struct_fields__),
        )
        make = self._opened.another or _opened_anew
        return make(request)

    def settings(self, wanted: SessionWanted) -> Settings:
        """Return what the host chose for such a session."""
        return _chosen(self._settings, wanted, ("deliver", "deadline_us"))


def _opened_anew(request: Request) -> Session:
    return open_backend(request).session


def _chosen(usual: Chosen, wanted: SessionWanted, names: tuple[str, ...]) -> Chosen:
    """Return a struct with those of the named fields that a client chose."""
    chosen = {name: getattr(wanted, name) for name in names}
    return replace(usual, **{name: value for name, value in chosen.items() if value is not None})
