"""Every session that is here keeps the contract; one that breaks a clause is told which."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, ClassVar

import pytest

from cml.text.grammar import specification
from interpreter import ScriptedSession
from interpreter.schedule.data.measured import Measurement
from interpreter.session import (
    ABILITIES,
    Ability,
    Batch,
    DecodingCosts,
    EndOfDecoding,
    Logprob,
    Piece,
    Suspended,
)
from model_adapters.hf.session import HfSession
from model_adapters.opening import GREEDY, AtTrap, Sampling
from model_adapters.prompt import Message
from model_adapters.testing import SessionError, check_session
from model_adapters.testing.abilities import STORIES as OF_ABILITIES
from model_adapters.testing.verbs import STORIES as OF_VERBS
from model_adapters.tokens.chat_tokens import chat_ids

if TYPE_CHECKING:
    from model_adapters.hf.model import HfModel

MEASURED = Measurement(
    backend="hf",
    model="tiny",
    measured_at="",
    token_us=9,
    context_token_ns=0,
    interrupt_token_ns=0,
    call_tokens=0,
    trap_tokens=0,
)
ASK = (Message("user", "Count from one to twenty, in words."),)
WORDS = [f"word{number} " for number in range(200)]
END, FIRST_CONTROL = 0, 1
CONTROL = ("<|im_end|>", "<|im_start|>")
_BYTES = 16
"""Tokens of the toy: an end, control tokens, and from here on one for each byte."""


class Toy:
    """A model of bytes that has every ability: what comes next depends on the context's length."""

    abilities: frozenset[Ability[object]] = frozenset(ABILITIES)
    costs = DecodingCosts(token_us=1)
    window = 5_000

    def __init__(self) -> None:
        self.kept = self.encode("Say something.")
        self.asked = len(self.kept)
        self.written = 0
        self.banned: int | None = None
        self.allowed: Collection[int] = ()
        self.salt = 0

    # verbs

    def decode(self) -> Piece | EndOfDecoding:
        token = self.choose()
        if token == END:
            return EndOfDecoding("stop")
        self.kept += (token,)
        self.written += 1
        return Piece(chr(token - _BYTES))

    def append(self, batch: Batch) -> int:
        self.kept += self.encode(batch.text)
        self.written = 0
        return len(self.encode(batch.text))

    def rewind(self, characters: int) -> None:
        if characters:
            cut = len(self.kept) - characters
            self.banned = self.kept[cut]
            self.kept = self.kept[:cut]

    def close(self) -> None:
        self.kept = ()

    def choose(self) -> int:
        wanted = [each.token for each in self.logprobs(3)]
        if self.allowed:
            wanted = list(self.allowed)
        self.allowed, banned, self.banned = (), self.banned, None
        return next(token for token in wanted if token != banned)

    # abilities

    def prompt(self, text: str) -> int:
        added = (FIRST_CONTROL, *self.encode(text), FIRST_CONTROL)
        self.kept += added
        self.written = 0
        return len(added)

    def suspend(self, wait_us: int | None) -> Suspended:
        return Suspended("keep", 10)

    def resume(self) -> None: ...

    @property
    def ids(self) -> tuple[int, ...]:
        return self.kept

    @property
    def control_tokens(self) -> frozenset[int]:
        return frozenset(range(_BYTES))

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(_BYTES + byte for byte in text.encode())

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        begin = ord("a") + (len(self.kept) * 7 + self.salt) % 20
        return tuple(Logprob(_BYTES + begin + n, -1.0 - n) for n in range(min(most, 3)))

    def allow(self, tokens: Collection[int]) -> None:
        self.allowed = tokens

    def seed(self, number: int) -> None:
        self.salt = number

    @property
    def context_left(self) -> int:
        return self.window - len(self.kept)


def text_of(toy: Toy) -> str:
    written = (token for token in toy.kept[toy.asked :] if token >= _BYTES)
    return bytes(token - _BYTES for token in written).decode()


def check(make: Callable[[], Toy]) -> tuple[str, ...]:
    checked = check_session(make, context_of=text_of, control=CONTROL)
    assert checked.not_exercised == {}
    return checked.held


def test_there_is_a_story_for_every_ability_and_a_clause_for_every_story() -> None:
    assert set(OF_ABILITIES) == set(ABILITIES)
    text = (specification() / "5-embedding.md").read_text(encoding="utf-8")
    clauses = {*OF_VERBS, *(ability.clause for ability in ABILITIES)}
    assert [clause for clause in clauses if f"**{clause}**" not in text] == []


def test_a_session_with_every_ability_passes_every_story() -> None:
    assert set(check(Toy)) == {*OF_VERBS, *(ability.clause for ability in ABILITIES)}


def test_a_script_passes() -> None:
    checked = check_session(
        lambda: ScriptedSession(WORDS), context_of=lambda session: session.context
    )
    assert checked.held == (*OF_VERBS, "Embed/prompts")
    assert checked.not_exercised == {}


CHANCE = Sampling(temperature=2.0, seed=5)


@pytest.mark.parametrize(
    ("sampling", "at_trap"),
    [(GREEDY, "keep"), (CHANCE, "swap"), (Sampling(1.5, top_k=40, top_p=0.9), "recompute")],
)
def test_a_session_of_transformers_passes(
    tiny: "HfModel", sampling: Sampling, at_trap: AtTrap
) -> None:
    def make() -> HfSession:
        return HfSession(
            tiny, ASK, max_tokens=400, sampling=sampling, at_trap=at_trap, measured=MEASURED
        )

    checked = check_session(make, context_of=lambda session: text_after(session, tiny))
    left = {"Embed/seeds"} if sampling == GREEDY else set()
    assert set(checked.not_exercised) == left
    assert {*checked.held, *left} == {*OF_VERBS, *(ability.clause for ability in ABILITIES)}


@pytest.mark.model
@pytest.mark.slow
def test_a_session_of_the_embedded_model_passes(model: "HfModel") -> None:
    checked = check_session(lambda: HfSession(model, ASK), steps=6)
    assert set(checked.not_exercised) == {"Embed/seeds"}


def text_after(session: HfSession, model: "HfModel") -> str:
    """The text of the context from the prompt on, without a character that is only begun."""
    ids = list(session.ids[len(chat_ids(model, ASK)) :])
    return str(model.tokenizer.decode(ids[: len(ids) - session._segment.begun]))


def test_what_cannot_be_seen_is_not_said_to_hold() -> None:
    checked = check_session(lambda: ScriptedSession(WORDS))
    assert "nothing shows the context" in checked.not_exercised["Embed/append"]
    assert "Embed/append" not in checked.held


def test_a_session_that_says_nothing_passes_nothing_that_takes_words() -> None:
    checked = check_session(lambda: ScriptedSession([]), context_of=lambda session: session.context)
    assert {"Embed/piece", "Embed/rewind", "Embed/apart"} <= set(checked.not_exercised)


# --------------------------------------------------------------------------------- sabotage


class AppendsTwice(Toy):
    def append(self, batch: Batch) -> int:
        return super().append(batch) + super().append(batch)


class AppendsOnceOfTwo(Toy):
    """Forgets a second append that follows a first one directly."""

    def append(self, batch: Batch) -> int:
        return 0 if self.kept[-1:] == self.encode("]") else super().append(batch)


class AppendsInFront(Toy):
    def append(self, batch: Batch) -> int:
        new = self.encode(batch.text)
        self.kept = self.kept[: self.asked] + new + self.kept[self.asked :]
        return len(new)


class AppendsTrimmed(Toy):
    def append(self, batch: Batch) -> int:
        return super().append(Batch(batch.text.strip()))


class CountsWrongly(Toy):
    def append(self, batch: Batch) -> int:
        return super().append(batch) - 1


class TellsNoCount(Toy):
    def append(self, batch: Batch) -> int:
        super().append(batch)
        return None  # type: ignore[return-value]


class SpeaksControl(Toy):
    """Content becomes a control token, where it is spelled like one."""

    def encode(self, text: str) -> tuple[int, ...]:
        before, spelled, after = text.partition("<|im_end|>")
        own = super().encode
        return (*own(before), FIRST_CONTROL, *own(after)) if spelled else own(text)


class RepeatsAfterRewind(Toy):
    def rewind(self, characters: int) -> None:
        super().rewind(characters)
        self.banned = None


class RewindsTooFar(Toy):
    def rewind(self, characters: int) -> None:
        super().rewind(characters + 1 if characters else 0)


class RewindsNothing(Toy):
    def rewind(self, characters: int) -> None: ...


class HalfCharacters(Toy):
    def decode(self) -> Piece | EndOfDecoding:
        super().decode()
        return Piece("\ud83d")


class ForgetsTokens(Toy):
    def decode(self) -> Piece | EndOfDecoding:
        decoded = super().decode()
        return Piece(decoded.text, tokens=2) if isinstance(decoded, Piece) else decoded


class KeepsItsEnd(Toy):
    def decode(self) -> Piece | EndOfDecoding:
        if len(self.kept) % 9 == 0:
            self.kept += (END,)
            return EndOfDecoding("stop")
        return super().decode()


class KeepsHalfACharacter(Toy):
    """Comes to an end in the middle of a character, and leaves the beginning of it there."""

    def decode(self) -> Piece | EndOfDecoding:
        if len(self.kept) == self.asked + 3:
            self.kept += self.encode("é")[:1]
            return Piece("", partial=True)
        at_half = len(self.kept) == self.asked + 4
        return EndOfDecoding("length") if at_half else super().decode()


class SaysNothingForEver(Toy):
    def decode(self) -> Piece | EndOfDecoding:
        return Piece("", tokens=0, partial=True)


class DecodesText(Toy):
    def decode(self) -> Piece | EndOfDecoding:
        return "text"  # type: ignore[return-value]


class EndsWithAWord(Toy):
    def decode(self) -> Piece | EndOfDecoding:
        return EndOfDecoding("eos")  # type: ignore[arg-type]


class Shared(Toy):
    """Sessions that share a counter."""

    drawn = 0

    def choose(self) -> int:
        Shared.drawn += 1
        self.salt = Shared.drawn % 3
        return super().choose()


class ClosesAll(Toy):
    """To close one closes all that are open."""

    opened: ClassVar[set["ClosesAll"]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.opened.add(self)

    def decode(self) -> Piece | EndOfDecoding:
        return super().decode() if self in self.opened else EndOfDecoding("stop")

    def close(self) -> None:
        self.opened.clear()


class DriftsWhenSuspended(Toy):
    def resume(self) -> None:
        self.salt += 1


class DropsWhenSuspended(Toy):
    def suspend(self, wait_us: int | None) -> Suspended:
        if wait_us and wait_us > 1_000_000:
            self.kept = self.kept[:-1]
        return super().suspend(wait_us)


class SuspendsToNowhere(Toy):
    def suspend(self, wait_us: int | None) -> Suspended:
        return Suspended("burn")  # type: ignore[arg-type]


class TellsTheLeastLikelyFirst(Toy):
    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        return super().logprobs(most)[::-1]


class TellsProbabilities(Toy):
    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        return tuple(
            Logprob(each.token, 0.5 ** (n + 1)) for n, each in enumerate(super().logprobs(most))
        )


class DrawsWhenAsked(Toy):
    asked = 0

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        if most == 5:
            self.salt += 1
        return super().logprobs(most)


class IgnoresMasks(Toy):
    def allow(self, tokens: Collection[int]) -> None: ...


class MasksForEver(Toy):
    kept_mask: Collection[int] = ()

    def allow(self, tokens: Collection[int]) -> None:
        self.kept_mask = tokens

    def choose(self) -> int:
        self.allowed = self.kept_mask
        return super().choose()


class SeedsAddUp(Toy):
    def seed(self, number: int) -> None:
        self.salt += number


class WindowStandsStill(Toy):
    @property
    def context_left(self) -> int:
        return 100


class WindowForgetsAppends(Toy):
    appended = 0

    def append(self, batch: Batch) -> int:
        tokens = super().append(batch)
        self.appended += tokens
        return tokens

    @property
    def context_left(self) -> int:
        return self.window - len(self.kept) + self.appended


class CostsNothing(Toy):
    costs = DecodingCosts(token_us=0)


class AsksAnew(Toy):
    def prompt(self, text: str) -> int:
        self.kept = ()
        return super().prompt(text)


class AsksInControlTokens(Toy):
    def prompt(self, text: str) -> int:
        tokens = super().prompt(text)
        self.kept += (FIRST_CONTROL,) * text.count(CONTROL[0])
        return tokens + text.count(CONTROL[0])


class AsksWithoutACount(Toy):
    def prompt(self, text: str) -> int:
        super().prompt(text)
        return None  # type: ignore[return-value]


class AsksWithAWrongCount(Toy):
    def prompt(self, text: str) -> int:
        return super().prompt(text) + 1


BROKEN: dict[str, list[type[Toy]]] = {
    "Embed/piece": [
        HalfCharacters,
        ForgetsTokens,
        KeepsItsEnd,
        KeepsHalfACharacter,
        SaysNothingForEver,
        DecodesText,
        EndsWithAWord,
    ],
    "Embed/append": [
        AppendsTwice,
        AppendsOnceOfTwo,
        AppendsInFront,
        AppendsTrimmed,
        CountsWrongly,
        TellsNoCount,
    ],
    "Embed/rewind": [RepeatsAfterRewind, RewindsTooFar, RewindsNothing],
    "Embed/apart": [Shared],
    "Embed/close": [ClosesAll],
    "Embed/suspend": [DriftsWhenSuspended, DropsWhenSuspended, SuspendsToNowhere],
    "Embed/tokens": [SpeaksControl],
    "Embed/logprobs": [TellsTheLeastLikelyFirst, TellsProbabilities, DrawsWhenAsked],
    "Embed/masks": [IgnoresMasks, MasksForEver],
    "Embed/seeds": [SeedsAddUp],
    "Embed/context-left": [WindowStandsStill, WindowForgetsAppends],
    "Embed/costs": [CostsNothing],
    "Embed/prompts": [AsksAnew, AsksInControlTokens, AsksWithoutACount, AsksWithAWrongCount],
}


@pytest.mark.parametrize(
    ("clause", "broken"), [(c, each) for c, some in BROKEN.items() for each in some]
)
def test_a_session_that_breaks_a_clause_is_caught(clause: str, broken: type[Toy]) -> None:
    with pytest.raises(SessionError) as caught:
        check_session(broken, control=CONTROL)
    assert str(caught.value).startswith(clause)
