"""What a session can do beside its verbs, declared by it (spec/5-embedding.md, 5.2).

Nobody finds out by trying.
"""

from collections.abc import Callable, Collection
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar, cast

import msgspec

from interpreter.errors import HostError
from interpreter.session.verbs import EndOfDecoding, Piece, Session

Strategy: TypeAlias = Literal["keep", "swap", "recompute"]
"""What becomes of a context while its session is suspended: it stays where it is, it waits in the
memory of the host, or it is dropped and read again."""


class Suspended(msgspec.Struct, frozen=True):
    """What a session does with its context while nothing is asked of it.

    Args:
        strategy: What has become of the context.
        again_us: After how long it wants to be suspended anew, in microseconds, if it still is: by
            then another strategy may be the cheaper one. None if it never is.
    """

    strategy: Strategy
    again_us: int | None = None


class Suspends(Protocol):
    """Lets go of what a context holds while the session waits at a trap."""

    def suspend(self, wait_us: int | None) -> Suspended:
        """Give up what is dear to hold; when suspended already, choose again (Embed/suspend).

        Args:
            wait_us: How long nothing will be asked, as far as the driver can tell, in microseconds;
                None where it cannot.
        """
        ...

    def resume(self) -> None:
        """Be as if never suspended: a verb follows (Embed/suspend)."""
        ...


class NamesTokens(Protocol):
    """Tells its context as the model sees it."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the context, prompt included (Embed/tokens)."""
        ...

    @property
    def control_tokens(self) -> frozenset[int]:
        """The tokens that no content is encoded to."""
        ...

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the tokens that an append of this text makes of it."""
        ...


class Logprob(msgspec.Struct, frozen=True):
    """How likely a token is to come next.

    Args:
        token: Its id.
        logprob: The natural logarithm of its probability, at temperature 1 and with no mask.
    """

    token: int
    logprob: float


class TellsLogprobs(Protocol):
    """Tells what it thinks may come next."""

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        """Return the likeliest next tokens, the likeliest first (Embed/logprobs).

        Args:
            most: How many; fewer where there are not so many.
        """
        ...


class TakesMasks(Protocol):
    """Lets its driver narrow down what comes next."""

    def allow(self, tokens: Collection[int]) -> None:
        """Have the next decode choose among these tokens only, once (Embed/masks).

        Args:
            tokens: At least one; an end token among them may end the decoding.
        """
        ...


class TakesSeeds(Protocol):
    """Leaves what it draws by chance to its driver."""

    def seed(self, number: int) -> None:
        """Draw from here on as this seed says (Embed/seeds).

        Args:
            number: From 0 to 2**63 - 1.
        """
        ...


class TellsContextLeft(Protocol):
    """Knows the end of its context window."""

    @property
    def context_left(self) -> int:
        """How many more tokens the context can hold (Embed/context-left)."""
        ...


class DecodingCosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cost model of the virtual decoder (Time/decoding), in microseconds.

    Args:
        token_us: One decoded token.
        interrupt_token_us: One token of an interrupt.
        naive_request_us: Each batch of interrupts, as where every delivery is a new request.
        context_token_us: Added to each decoded token for every token of context before it.
    """

    token_us: int = 5_000
    interrupt_token_us: int = 0
    naive_request_us: int = 0
    context_token_us: int = 0


class TellsCosts(Protocol):
    """Knows how long it takes."""

    @property
    def costs(self) -> DecodingCosts:
        """What its verbs cost on this machine, measured or declared (Embed/costs)."""
        ...


class TakesPrompts(Protocol):
    """Can be asked more than once: a chat."""

    def prompt(self, text: str) -> int:
        """Append what a person asks in a further turn, in the model's own form, up to where its
        answer begins; return the number of tokens (Embed/prompts).

        Args:
            text: Ordinary content: nothing in it becomes a control token.
        """
        ...


class Restores(Protocol):
    """Can be told what another session decoded, and go on from there."""

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        """Be as if the last `decode` had given this (Embed/restore).

        Args:
            decoded: One symbol of the text that the model wrote, or an end.
        """
        ...


Can_co = TypeVar("Can_co", covariant=True)


class Ability(msgspec.Struct, Generic[Can_co], frozen=True):
    """Something that a session can do besides its verbs.

    Args:
        name: What it is called in words.
        protocol: The members that a session with it has.
    """

    name: str
    protocol: Callable[..., Can_co]  # not `type`: a protocol is none that could be made

    @property
    def clause(self) -> str:
        """The clause of chapter 5.2 that says what it is."""
        return f"Embed/{self.name.replace(' ', '-')}"

    @property
    def members(self) -> frozenset[str]:
        """The names of what a session with it has."""
        return frozenset(name for name in vars(self.protocol) if not name.startswith("_"))


SUSPEND: Final = Ability("suspend", Suspends)
TOKENS: Final = Ability("tokens", NamesTokens)
LOGPROBS: Final = Ability("logprobs", TellsLogprobs)
MASKS: Final = Ability("masks", TakesMasks)
SEEDS: Final = Ability("seeds", TakesSeeds)
CONTEXT_LEFT: Final = Ability("context left", TellsContextLeft)
COSTS: Final = Ability("costs", TellsCosts)
PROMPTS: Final = Ability("prompts", TakesPrompts)
RESTORE: Final = Ability("restore", Restores)

ABILITIES: Final[tuple[Ability[object], ...]] = (
    SUSPEND,
    TOKENS,
    LOGPROBS,
    MASKS,
    SEEDS,
    CONTEXT_LEFT,
    COSTS,
    PROMPTS,
    RESTORE,
)


def abilities_of(session: Session) -> frozenset[Ability[object]]:
    """Return what a session declares in its attribute `abilities`; nothing if it has none.

    Raises:
        HostError: It declares what is no ability, or lacks a member of one (Embed/abilities).
    """
    declared: object = getattr(session, "abilities", frozenset())
    if not isinstance(declared, frozenset) or not declared <= {*ABILITIES}:
        known = ", ".join(ability.name for ability in ABILITIES)
        message = f"abilities is {declared!r}; expected a frozenset of some of these: {known}"
        raise HostError("Embed/abilities", message)
    for ability in declared:
        for member in sorted(ability.members):
            if not hasattr(session, member):
                message = f"the session declares the ability {ability.name!r} without {member!r}"
                raise HostError("Embed/abilities", message)
    return declared


def able(session: Session, ability: Ability[Can_co]) -> Can_co | None:
    """Return a session as one that has an ability; None where it does not declare it.

    Raises:
        HostError: As `abilities_of` does.
    """
    return cast("Can_co", session) if ability in abilities_of(session) else None
