"""A model of bytes with every ability, and sabotaged ones: each breaks the contract in one way."""

import threading
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Collection
from time import sleep
from typing import ClassVar, Final, Literal
from zlib import crc32

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
from model_adapters.opening import AtTrap, Request

END, FIRST_CONTROL = 0, 1
CONTROL = ("<|im_end|>", "<|im_start|>")
_BYTES: Final = 16
"""Tokens of the toy: an end, control tokens, and from here on one for each byte."""
_LETTERS: Final = 20
_ENOUGH: Final = Request("", "", {}, max_tokens=4_000, at_trap="keep")


class Toy:
    """A model that has every ability: what comes next depends on all that is in the context."""

    abilities: frozenset[Ability[object]] = frozenset(ABILITIES)
    costs = DecodingCosts(token_us=1)
    window = 5_000

    def __init__(self, request: Request = _ENOUGH) -> None:
        self.kept = self.encode("Say something.")
        self.asked = len(self.kept)
        self.since = len(self.kept)  # where the model went on after an append
        self.decoded = 0
        self.max_tokens = request.max_tokens
        self.at_trap: AtTrap = request.at_trap
        self.banned: int | None = None
        self.allowed: Collection[int] = ()
        self.salt = request.sampling.seed if request.sampling.temperature else 0
        self.characters = getincrementaldecoder("utf-8")("replace")

    # verbs

    def decode(self) -> Piece | EndOfDecoding:
        if self.decoded >= self.max_tokens:
            return self.end("length")
        token = self.choose()
        if token < _BYTES:
            return self.end("stop")
        self.kept += (token,)
        self.decoded += 1
        text = self.characters.decode(bytes([token - _BYTES]))
        return Piece(text, partial=bool(self.begun))

    def append(self, batch: Batch) -> int:
        added = self.encode(batch.text)
        self.kept += added
        self.since = len(self.kept)
        return len(added)

    def rewind(self, characters: int) -> None:
        if characters:
            text = bytes(token - _BYTES for token in self.kept[self.since :]).decode()
            cut = self.since + len(text[: len(text) - characters].encode())
            self.banned = self.kept[cut]
            self.kept = self.kept[:cut]

    def close(self) -> None:
        self.kept = ()

    def choose(self) -> int:
        wanted = list(self.allowed) or [each.token for each in self.logprobs(3)]
        self.allowed, banned, self.banned = (), self.banned, None
        return next((token for token in wanted if token != banned), wanted[0])

    def end(self, reason: Literal["stop", "length"]) -> EndOfDecoding:
        self.kept = self.kept[: len(self.kept) - self.begun]
        self.characters.reset()
        return EndOfDecoding(reason)

    @property
    def begun(self) -> int:
        return len(self.characters.getstate()[0])

    @property
    def read(self) -> tuple[int, ...]:
        """What the network has read: the tokens of the context."""
        return self.kept

    # abilities

    def prompt(self, text: str) -> int:
        added = (FIRST_CONTROL, *self.encode(text), FIRST_CONTROL)
        self.kept += added
        self.since = len(self.kept)
        return len(added)

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        if isinstance(decoded, Piece):
            written = self.encode(decoded.text)
            self.kept += written
            self.decoded += len(written)

    def suspend(self, wait_us: int | None) -> Suspended:
        # Asked again soon, yet not all the time: a driver that is left behind goes on asking.
        return Suspended("keep" if self.at_trap == "auto" else self.at_trap, 100_000)

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
        begin = crc32(repr((self.read, self.salt)).encode())
        letters = [_BYTES + ord("a") + (begin + n) % _LETTERS for n in range(_LETTERS)]
        return tuple(Logprob(letter, -1.0 - n) for n, letter in enumerate(letters[:most]))

    def allow(self, tokens: Collection[int]) -> None:
        self.allowed = tokens

    def seed(self, number: int) -> None:
        self.salt = number

    @property
    def context_left(self) -> int:
        return self.window - len(self.kept)


def text_of(toy: Toy) -> str:
    written = (
        token for token in toy.kept[toy.asked : len(toy.kept) - toy.begun] if token >= _BYTES
    )
    return bytes(token - _BYTES for token in written).decode()


# ------------------------------------------------------------------- seen by the contract alone


class AppendsTwice(Toy):
    """Each append goes in twice."""

    def append(self, batch: Batch) -> int:
        return super().append(batch) + super().append(batch)


class AppendsOnceOfTwo(Toy):
    """Forgets a second append that follows a first one directly."""

    def append(self, batch: Batch) -> int:
        return 0 if self.kept[-1:] == self.encode("]") else super().append(batch)


class AppendsInFront(Toy):
    """An append goes in after the prompt, before what the model wrote."""

    def append(self, batch: Batch) -> int:
        new = self.encode(batch.text)
        self.kept = self.kept[: self.asked] + new + self.kept[self.asked :]
        return len(new)


class AppendsTrimmed(Toy):
    """White space around an append is lost."""

    def append(self, batch: Batch) -> int:
        return super().append(Batch(batch.text.strip()))


class CountsWrongly(Toy):
    """An append tells one token too few."""

    def append(self, batch: Batch) -> int:
        return super().append(batch) - 1


class TellsNoCount(Toy):
    """An append tells no number of tokens."""

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
    """What was taken back is written again at once."""

    def rewind(self, characters: int) -> None:
        super().rewind(characters)
        self.banned = None


class RewindsTooFar(Toy):
    """A rewind takes one token more than it should."""

    def rewind(self, characters: int) -> None:
        super().rewind(characters)
        self.kept = self.kept[: len(self.kept) - bool(characters)]


class RewindsNothing(Toy):
    """A rewind does nothing."""

    def rewind(self, characters: int) -> None: ...


class HalfCharacters(Toy):
    """A piece holds one half of a surrogate pair."""

    def decode(self) -> Piece | EndOfDecoding:
        super().decode()
        return Piece("\ud83d")


class ForgetsTokens(Toy):
    """A piece tells more tokens than there are."""

    def decode(self) -> Piece | EndOfDecoding:
        decoded = super().decode()
        return Piece(decoded.text, tokens=2) if isinstance(decoded, Piece) else decoded


class KeepsItsEnd(Toy):
    """The end token stays in the context."""

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
    """Pieces without a character come one after another, for ever."""

    def decode(self) -> Piece | EndOfDecoding:
        return Piece("", tokens=0, partial=True)


class DecodesText(Toy):
    """A step gives bare text, and no piece."""

    def decode(self) -> Piece | EndOfDecoding:
        return "text"  # type: ignore[return-value]


class EndsWithAWord(Toy):
    """The end has a reason of its own."""

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

    def __init__(self, request: Request = _ENOUGH) -> None:
        super().__init__(request)
        self.opened.add(self)

    def decode(self) -> Piece | EndOfDecoding:
        return super().decode() if self in self.opened else EndOfDecoding("stop")

    def close(self) -> None:
        self.opened.clear()


class DriftsWhenSuspended(Toy):
    """After a resume the model writes something else."""

    def resume(self) -> None:
        self.salt += 1


class DropsWhenSuspended(Toy):
    """A long trap costs the last token of the context."""

    def suspend(self, wait_us: int | None) -> Suspended:
        if wait_us and wait_us > 1_000_000:
            self.kept = self.kept[:-1]
        return super().suspend(wait_us)


class SuspendsToNowhere(Toy):
    """A suspended context is at a place that nobody knows."""

    def suspend(self, wait_us: int | None) -> Suspended:
        return Suspended("burn")  # type: ignore[arg-type]


class TellsTheLeastLikelyFirst(Toy):
    """Logprobs come in the wrong order."""

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        return super().logprobs(most)[::-1]


class TellsProbabilities(Toy):
    """Logprobs are probabilities."""

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        return tuple(
            Logprob(each.token, 0.5 ** (n + 1)) for n, each in enumerate(super().logprobs(most))
        )


class DrawsWhenAsked(Toy):
    """To ask for logprobs changes what is written."""

    asked = 0

    def logprobs(self, most: int) -> tuple[Logprob, ...]:
        if most == 5:
            self.salt += 1
        return super().logprobs(most)


class IgnoresMasks(Toy):
    """Masks are ignored."""

    def allow(self, tokens: Collection[int]) -> None: ...


class MasksForEver(Toy):
    """A mask holds for every step that follows."""

    kept_mask: Collection[int] = ()

    def allow(self, tokens: Collection[int]) -> None:
        self.kept_mask = tokens

    def choose(self) -> int:
        self.allowed = self.kept_mask
        return super().choose()


class SeedsAddUp(Toy):
    """A seed depends on the seeds before it."""

    def seed(self, number: int) -> None:
        self.salt += number


class WindowStandsStill(Toy):
    """The context left is always the same."""

    @property
    def context_left(self) -> int:
        return 100


class WindowForgetsAppends(Toy):
    """Appended tokens take no room of the context window."""

    appended = 0

    def append(self, batch: Batch) -> int:
        tokens = super().append(batch)
        self.appended += tokens
        return tokens

    @property
    def context_left(self) -> int:
        return self.window - len(self.kept) + self.appended


class CostsNothing(Toy):
    """A token takes no time."""

    costs = DecodingCosts(token_us=0)


class AsksAnew(Toy):
    """A further question begins a new context."""

    def prompt(self, text: str) -> int:
        self.kept = ()
        return super().prompt(text)


class AsksInControlTokens(Toy):
    """A question that spells a control token becomes one."""

    def prompt(self, text: str) -> int:
        tokens = super().prompt(text)
        self.kept += (FIRST_CONTROL,) * text.count(CONTROL[0])
        return tokens + text.count(CONTROL[0])


class AsksWithoutACount(Toy):
    """A question tells no number of tokens."""

    def prompt(self, text: str) -> int:
        super().prompt(text)
        return None  # type: ignore[return-value]


class AsksWithAWrongCount(Toy):
    """A question tells one token too many."""

    def prompt(self, text: str) -> int:
        return super().prompt(text) + 1


class RestoresNothing(Toy):
    """What another session wrote is not taken."""

    def restore(self, decoded: Piece | EndOfDecoding) -> None: ...


class RestoresTheLastAlone(Toy):
    """Of what another session wrote the last symbol is kept."""

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        self.kept = self.kept[: self.asked]
        super().restore(decoded)


class NeverReadsWhatIsRestored(Toy):
    """What is restored is in the list of tokens, and never went through the network."""

    restored = 0

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        before = len(self.kept)
        super().restore(decoded)
        self.restored += len(self.kept) - before

    @property
    def read(self) -> tuple[int, ...]:
        return self.kept[: self.asked] + self.kept[self.asked + self.restored :]


BROKEN: Final[dict[str, list[type[Toy]]]] = {
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
    "Embed/restore": [RestoresNothing, RestoresTheLastAlone, NeverReadsWhatIsRestored],
}


# ------------------------------------------------------ with a cache, a limit, a batch of their own


class NeverReadsAppends(Toy):
    """What is appended is in the list of tokens, and never went through the network."""

    unread = 0

    def append(self, batch: Batch) -> int:
        tokens = super().append(batch)
        self.unread = tokens
        return tokens

    @property
    def read(self) -> tuple[int, ...]:
        return self.kept[: self.since - self.unread] + self.kept[self.since :]


class ReadsAppendsTwice(NeverReadsAppends):
    """What is appended goes through the network twice: once by itself, once with what follows."""

    @property
    def read(self) -> tuple[int, ...]:
        return self.kept[: self.since] + self.kept[self.since - self.unread :]


class CacheKeepsWhatIsTakenBack(Toy):
    """A rewind drops tokens from the list, and leaves them in the cache."""

    stale: tuple[int, ...] = ()

    def rewind(self, characters: int) -> None:
        before = self.kept
        super().rewind(characters)
        self.stale = before[len(self.kept) :]

    @property
    def read(self) -> tuple[int, ...]:
        return self.kept + self.stale


class SwapsInHalf(Toy):
    """A context that was moved to the host's memory comes back without its newer half."""

    lost = 0

    def suspend(self, wait_us: int | None) -> Suspended:
        self.lost = len(self.kept) // 2 if self.at_trap == "swap" else 0
        return super().suspend(wait_us)

    @property
    def read(self) -> tuple[int, ...]:
        return self.kept[self.lost :]


class RecomputesThePrompt(Toy):
    """A context that was dropped is read again from the prompt alone."""

    lost: tuple[int, int] | None = None

    def suspend(self, wait_us: int | None) -> Suspended:
        if self.at_trap == "recompute":
            self.lost = self.asked, len(self.kept)
        return super().suspend(wait_us)

    @property
    def read(self) -> tuple[int, ...]:
        begin, end = self.lost or (0, 0)
        return self.kept[:begin] + self.kept[end:]


class Retokenises(Toy):
    """After an append the whole context is decoded and encoded again, and comes out otherwise."""

    def append(self, batch: Batch) -> int:
        tokens = super().append(batch)
        spaces = self.encode("  ")
        at = next((n for n in range(len(self.kept)) if self.kept[n : n + 2] == spaces), None)
        if at is not None:
            self.kept = self.kept[:at] + self.kept[at + 1 :]
        return tokens


class NormalisesResults(Toy):
    """What is appended is brought into another normal form of Unicode first."""

    def append(self, batch: Batch) -> int:
        return super().append(Batch(unicodedata.normalize("NFD", batch.text)))


class UnescapesResults(Toy):
    """What is appended is unescaped first: a result can close its block."""

    def append(self, batch: Batch) -> int:
        return super().append(Batch(batch.text.replace("\\u005b", "[")))


class CountsAppendsAgainstTheLimit(Toy):
    """Appended tokens count against the output limit."""

    def append(self, batch: Batch) -> int:
        tokens = super().append(batch)
        self.decoded += tokens
        return tokens


class LimitCountsFromEachAppend(Toy):
    """The output limit begins anew with each append: it never comes."""

    def append(self, batch: Batch) -> int:
        self.decoded = 0
        return super().append(batch)


class EndsOnAResult(Toy):
    """A stop word is looked for in all that is in the context, results too."""

    is_over = False

    def append(self, batch: Batch) -> int:
        self.is_over = self.is_over or CONTROL[0] in batch.text
        return super().append(batch)

    def decode(self) -> Piece | EndOfDecoding:
        return EndOfDecoding("stop") if self.is_over else super().decode()


class DecodesAhead(Toy):
    """A step writes a second token, which no mask held for."""

    def decode(self) -> Piece | EndOfDecoding:
        first, then = super().decode(), super().decode()
        if isinstance(first, EndOfDecoding) or isinstance(then, EndOfDecoding):
            return EndOfDecoding("length")
        return Piece(first.text + then.text, tokens=2, partial=then.partial)


class LosesSpaces(Toy):
    """A token that is a space alone is told as nothing."""

    def decode(self) -> Piece | EndOfDecoding:
        piece = super().decode()
        if isinstance(piece, EndOfDecoding):
            return piece
        return Piece(piece.text.strip(" "), partial=piece.partial)


class TellsHalves(Toy):
    """A character of several tokens is told as that many marks of replacement."""

    def decode(self) -> Piece | EndOfDecoding:
        piece = super().decode()
        if isinstance(piece, EndOfDecoding) or not piece.partial:
            return piece
        self.characters.reset()
        return Piece("\N{REPLACEMENT CHARACTER}")


class OneCacheForAll(Toy):
    """Sessions share what was appended last."""

    last: ClassVar[tuple[int, ...]] = ()

    def append(self, batch: Batch) -> int:
        OneCacheForAll.last = self.encode(batch.text)[:8]
        return super().append(batch)

    @property
    def read(self) -> tuple[int, ...]:
        return self.kept + self.last if self.since == self.asked else self.kept


class MixesUpItsBatch(Toy):
    """Sessions that decode at the same time get what was meant for another: a batch mixes its rows up."""

    decoding: ClassVar[list[Toy]] = []

    def __init__(self, request: Request = _ENOUGH) -> None:
        super().__init__(request)
        self.strange: tuple[int, ...] = ()

    def decode(self) -> Piece | EndOfDecoding:
        self.decoding.append(self)
        sleep(0.001)
        if any(each is not self for each in self.decoding):
            self.strange = (END,)
        self.decoding.remove(self)
        return super().decode()

    @property
    def read(self) -> tuple[int, ...]:
        return self.kept + self.strange


class DrawsFromOneSource(Toy):
    """All sessions draw from one source of chance: a seed is forgotten by the next session."""

    draws: ClassVar[int] = 0

    def __init__(self, request: Request = _ENOUGH) -> None:
        super().__init__(request)
        DrawsFromOneSource.draws += 1
        self.is_drawing = request.sampling.temperature > 0

    def seed(self, number: int) -> None: ...

    def choose(self) -> int:
        self.salt = self.draws if self.is_drawing else 0
        return super().choose()


class BelongsToItsThread(Toy):
    """A session can be used in the thread that made it only."""

    def __init__(self, request: Request = _ENOUGH) -> None:
        super().__init__(request)
        self.thread = threading.get_ident()

    def decode(self) -> Piece | EndOfDecoding:
        if threading.get_ident() != self.thread:
            raise RuntimeError("the session belongs to another thread")
        return super().decode()


class HangsAfterAnAppend(Toy):
    """A decode after an append never comes back."""

    def decode(self) -> Piece | EndOfDecoding:
        if self.since > self.asked:
            threading.Event().wait(3_600)
        return super().decode()


class BreaksAfterAnAppend(Toy):
    """A decode after an append raises an error of its own."""

    def decode(self) -> Piece | EndOfDecoding:
        if self.since > self.asked:
            raise ValueError("shape mismatch: (1, 9, 64) and (1, 12, 64)")
        return super().decode()


class LeavesAfterAnAppend(Toy):
    """A decode after an append ends the program, with the status that says all is good."""

    def decode(self) -> Piece | EndOfDecoding:
        if self.since > self.asked:
            raise SystemExit(0)
        return super().decode()


SABOTAGED: Final[dict[type[Toy], str]] = {
    NeverReadsAppends: "context/after-append",
    ReadsAppendsTwice: "context/after-append",
    CacheKeepsWhatIsTakenBack: "context/after-rewind",
    SwapsInHalf: "context/after-suspend-swap",
    RecomputesThePrompt: "context/after-suspend-recompute",
    Retokenises: "context/append",
    NormalisesResults: "context/append",
    UnescapesResults: "driver/forging-result",
    CountsAppendsAgainstTheLimit: "context/output-limit",
    LimitCountsFromEachAppend: "context/output-limit",
    EndsOnAResult: "driver/special-tokens",
    DecodesAhead: "context/forced",
    LosesSpaces: "context/forced",
    TellsHalves: "context/forced",
    OneCacheForAll: "context/woven",
    MixesUpItsBatch: "context/side-by-side",
    DrawsFromOneSource: "context/same-seed",
    BelongsToItsThread: "session/apart",
    HangsAfterAnAppend: "context/after-append",
    BreaksAfterAnAppend: "context/after-append",
    LeavesAfterAnAppend: "context/after-append",
}
"""Sessions that only a conformance run sees through, with the check that is made for their fault."""
