"""What is asked of a backend, and what it gives: the same for every adapter."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias, get_args

import msgspec
from msgspec.structs import replace

from cml.profile import Body, Level, Profile, Spelling
from interpreter.schedule.data.measured import ContextMoves
from interpreter.session import Session, Strategy
from interpreter.state import Layout, Settings
from interpreter.tools.declared import Tool
from interpreter.tools.names import spelled_tools
from interpreter.tools.signature import Function, tool_of
from model_adapters.constraint.constraint import Constraint, Vocabulary
from model_adapters.constraint.following import ToolChoice
from model_adapters.prompt import (
    SPEAKER_LEVEL,
    Message,
    build_messages,
    examples_of,
    speaker_messages,
)

LOG: Final = logging.getLogger("cml.model")
"""Says what loading and reading are about to do, for whoever waits for it."""


class Sampling(msgspec.Struct, frozen=True):
    """How a token is chosen.

    Args:
        temperature: Zero takes the likeliest token; more takes others too.
        top_k: Of so many of the likeliest only; None for all.
        top_p: Of the likeliest that together have this probability only; from above 0 to 1.
        seed: Of the random numbers for a temperature above zero.
    """

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0


GREEDY: Final = Sampling()
AtTrap: TypeAlias = Strategy | Literal["auto"]
"""A strategy, or the choice of the cheapest one."""


class Request(msgspec.Struct, frozen=True):
    """What a session is wanted for.

    Args:
        backend: As on the command line.
        prompt: What a person asks.
        functions: What the model may call, by name.
        max_tokens: Limit of what the model writes.
        min_calls: Calls that the model has to begin with.
        max_calls: Calls that it may write in a turn; None for `MOST_CALLS`.
        device: Where the model runs; None for what there is.
        yes: Whether a person agreed beforehand to downloads.
        sampling: How a token is chosen.
        profile: How the context is written.
        at_trap: What becomes of the context while a turn is trapped, where a backend can choose.
        masked: Whether a model that can be masked is.
        chat: What was said before, where the prompt goes on with a chat; what its system messages
            say the model is told after the protocol.
        sessions: How many there may be at a time; an engine makes a batch of several, where it can.
        bare: Whether the model alone is wanted, for a test bench: the prompt is the only message,
            there is no mask, no pause, and room for `BARE_SESSIONS` at a time.
    """

    backend: str
    prompt: str
    functions: Mapping[str, Function]
    max_tokens: int = 200
    min_calls: int = 0
    max_calls: int | None = None
    device: str | None = None
    yes: bool = False
    sampling: Sampling = GREEDY
    profile: Profile = Profile()
    at_trap: AtTrap = "auto"
    masked: bool = True
    chat: tuple[Message, ...] = ()
    sessions: int = 1
    bare: bool = False


Option: TypeAlias = Literal[
    "min_calls",
    "max_calls",
    "temperature",
    "top_k",
    "top_p",
    "seed",
    "at_trap",
    "device",
    "markers",
]
"""What a backend may leave to whoever opens it. All else every backend takes."""

OPTIONS: Final[frozenset[Option]] = frozenset(get_args(Option))
_OF_A_BENCH: Final[frozenset[Option]] = frozenset({"device", "markers"})
CHANCE: Final[frozenset[Option]] = frozenset({"temperature", "top_k", "top_p", "seed"})
"""What `Sampling` says."""
CALLS: Final[frozenset[Option]] = frozenset({"min_calls", "max_calls"})
"""What a mask makes of a number of calls."""


def asked_of(request: Request) -> frozenset[Option]:
    """Return the options of a request that are not what they are when nobody asks for anything.

    Of a bare model, those that are not its test bench's own choice.
    """
    asked, default = _values(request), _values(Request("", "", {}))
    counted = _OF_A_BENCH if request.bare else OPTIONS
    return frozenset(option for option in counted if asked[option] != default[option])


def _values(request: Request) -> dict[Option, object]:
    chosen = request.sampling
    return {
        "min_calls": request.min_calls,
        "max_calls": request.max_calls,
        "temperature": chosen.temperature,
        "top_k": chosen.top_k,
        "top_p": chosen.top_p,
        "seed": chosen.seed,
        "at_trap": request.at_trap,
        "device": request.device,
        "markers": request.profile.markers,
    }


def spelled(options: Iterable[Option]) -> str:
    """Return options as the command line spells them, in the order in which help lists them."""
    wanted = {*options}
    every = (option for option in get_args(Option) if option in wanted)
    return ", ".join(f"--{option.replace('_', '-')}" for option in every)


MOST_CALLS: Final = ToolChoice().at_most
"""How many calls a model may write in a turn where nobody says it."""

_SMALL: Final = 10**9
"""Fewer parameters than this make a small model."""

BARE_SESSIONS: Final = 4
"""How many sessions of a bare model there can be at a time, at least."""
BARE_CONTEXT_TOKENS: Final = 2_048
"""How many tokens each of them holds, at least, where room has to be taken beforehand."""


class Opened(msgspec.Struct, frozen=True):
    """A session that is ready to decode.

    Args:
        session: The session; the prompt is in its context.
        model: What decodes, in words.
        layout: How this model reads interrupts best.
        regions: What opens and what closes its reasoning, in pairs (`Profile.regions`).
        measure_moves: Measures what it takes to let the context go; None where it cannot.
        afterwards: Says in a line what the session took, once it is over; None for nothing.
        another: Makes one more session with what is loaded; None where one anew costs nothing.
        together: Whether those of `another` decode together, each asked in a thread of its own.
        takes: Of a session of somebody else's: the options that it heeds.
    """

    session: Session
    model: str
    layout: Layout = "inline"
    regions: tuple[tuple[str, str], ...] = ()
    measure_moves: Callable[[], ContextMoves] | None = None
    afterwards: Callable[[], str] | None = None
    another: Callable[[Request], Session] | None = None
    together: bool = False
    takes: frozenset[Option] = frozenset()

    def fitted(self, settings: Settings) -> Settings:
        """Return settings as this model needs them, with what the host chose besides."""
        profile = with_regions(settings.profile, self.regions)
        return replace(settings, layout=self.layout, profile=profile)


class Backend(msgspec.Struct, frozen=True):
    """A kind of session that the command line has a word for.

    Args:
        spelling: How the word is written, as in `hf:FOLDER`.
        about: What it is, for a help text.
        require: Finds out before any work whether what stands after the colon can be one at all;
            raises `UnknownBackendError` or a `FileFaultError`.
        open: Opens a session, given the request and what stands after the colon; raises
            `AdapterError` or `MissingExtraError`.
        takes: The options that it heeds; None where only what is opened can tell.
    """

    spelling: str
    about: str
    require: Callable[[str], None]
    open: Callable[[Request, str], Opened]
    takes: frozenset[Option] | None


def with_regions(profile: Profile, regions: tuple[tuple[str, str], ...]) -> Profile:
    """Return a profile that names these regions too."""
    return replace(profile, regions=tuple(dict.fromkeys((*profile.regions, *regions))))


def tools_of(request: Request) -> tuple[Tool, ...]:
    """Return what the model may call, by the names that bodies write."""
    own = [tool_of(function, name) for name, function in request.functions.items()]
    return spelled_tools(own, request.profile.body)


class Fluency(msgspec.Struct, frozen=True):
    """How much of CML a model is fit for, and whether it has to be told.

    Args:
        level: How much of the language it is told of, and may write.
        brackets: As in `ToolChoice`.
        trained: Whether it was trained on CML: told its functions only, and of declared results.
    """

    level: Level = Level.EXTENDED
    brackets: bool = True
    trained: bool = False


ANY_MODEL: Final = Fluency()
EMBEDDED: Final = Fluency(Level.CORE, brackets=False)
"""The embedded model as it was published, and any other so small. They write `city=job1`, and brackets
other than those of CML, where they mean something else (docs/limits.md)."""
SPEAKER: Final = Fluency(SPEAKER_LEVEL, brackets=False, trained=True)
"""A model as `cml train` makes it."""


def fluency_of(parameters: int) -> Fluency:
    """Return what a model of so many parameters is fit for that was not trained on CML."""
    return EMBEDDED if parameters < _SMALL else ANY_MODEL


def suits_speaker(profile: Profile) -> bool:
    """Whether a context is written as the trained model learnt it."""
    return profile.markers is Spelling.TEXT and profile.body is Body.PYTHON


def constraint_of(
    request: Request, vocabulary: Callable[[], Vocabulary], fluency: Fluency
) -> Constraint | None:
    """Return the mask of a session; None where none is wanted.

    Args:
        request: What is wanted.
        vocabulary: Returns the model's.
        fluency: How much of the language it may use, of what the profile allows.

    Raises:
        AdapterError: The schemas of the tools make no grammar.
    """
    if request.bare or not request.masked:
        return None
    choice = choice_of(request, fluency)
    return Constraint(vocabulary(), tools_of(request), choice, request.profile)


def choice_of(request: Request, fluency: Fluency) -> ToolChoice:
    """Return how freely a model may call: as is wanted, and as far as it is fit for it."""
    at_most = MOST_CALLS if request.max_calls is None else request.max_calls
    calls = request.min_calls, max(at_most, request.min_calls)
    return ToolChoice(*calls, fluency.brackets, fluency.level, not fluency.trained)


def chat_of(request: Request, fluency: Fluency = ANY_MODEL) -> tuple[Message, ...]:
    """Return the chat that a session begins with: tools, protocol, examples, the question.

    Args:
        request: What is wanted.
        fluency: How much of the language the model is told of, of what the profile allows.

    Raises:
        ToolError: The examples that come with the functions are none.
    """
    if request.bare:
        return (Message("user", request.prompt),)
    if fluency.trained:
        return speaker_messages(tools_of(request), request.prompt, request.chat)
    told = min(fluency.level, request.profile.level, key=list(Level).index)
    examples = examples_of(request.functions.values())
    return build_messages(
        tools_of(request),
        request.prompt,
        examples,
        chat=request.chat,
        body=request.profile.body,
        level=told,
    )
