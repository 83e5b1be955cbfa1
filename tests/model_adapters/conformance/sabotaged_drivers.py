"""Drivers under the virtual clock that are sabotaged, each in one way."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from interpreter.drivers import virtual
from interpreter.drivers.decoding import Decoder
from interpreter.drivers.virtual import Drive, VirtualFunctions, drive
from interpreter.events import (
    Began,
    Decoded,
    Effect,
    Event,
    Inject,
    Returned,
    Rewind,
    Row,
    Said,
    Start,
    Stopped,
)
from interpreter.session import Batch, DecodingCosts, EndOfDecoding, Piece, Session
from interpreter.state import Settings

Planned = Iterable[tuple[int, Began | Said | Stopped]]


class Sabotaged(virtual.VirtualEnvironment):
    """An environment whose parts can be replaced."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        functions: VirtualFunctions,
        costs: DecodingCosts,
        planned: Planned,
    ) -> None:
        super().__init__(session, settings, functions, costs, planned)
        self.session = session


def driver(environment: type[Sabotaged]) -> Drive:
    """Return the driver with an environment of its own."""

    def run(
        session: Session,
        functions: VirtualFunctions,
        settings: Settings | None = None,
        costs: DecodingCosts | None = None,
        planned: Planned = (),
        /,
    ) -> Iterator[Row]:
        used = settings or Settings()
        happening = [(0, Began()), *planned]
        made = environment(session, used, functions, costs or DecodingCosts(), happening)
        return drive(used, made)

    return run


class InjectsTwice(Sabotaged):
    """An interrupt goes in twice."""

    def perform(self, effect: Effect, now_us: int) -> None:
        super().perform(effect, now_us)
        if isinstance(effect, Inject):
            super().perform(effect, now_us)


class InjectsNothing(Sabotaged):
    """An interrupt is lost on its way to the context."""

    def perform(self, effect: Effect, now_us: int) -> None:
        if not isinstance(effect, Inject):
            super().perform(effect, now_us)


class InjectsTheFirstOnly(Sabotaged):
    """Of a batch only the first interrupt goes in."""

    def perform(self, effect: Effect, now_us: int) -> None:
        if isinstance(effect, Inject):
            effect = replace(effect, interrupts=effect.interrupts[:1])
        super().perform(effect, now_us)


class InjectsBackwards(Sabotaged):
    """The interrupts of a batch go in in the wrong order."""

    def perform(self, effect: Effect, now_us: int) -> None:
        if isinstance(effect, Inject):
            effect = replace(effect, interrupts=effect.interrupts[::-1])
        super().perform(effect, now_us)


class InjectsWithoutTheBackslash(Sabotaged):
    """What has to stand before an interrupt is left out: after a backslash it is text."""

    def perform(self, effect: Effect, now_us: int) -> None:
        super().perform(
            replace(effect, before="") if isinstance(effect, Inject) else effect, now_us
        )


class InjectsRaw(Sabotaged):
    """Results go in as they are: what spells a marker is one."""

    def perform(self, effect: Effect, now_us: int) -> None:
        if not isinstance(effect, Inject):
            return super().perform(effect, now_us)
        for told in effect.interrupts:
            self._decoder.append(Batch(f"[INTR] {told.id} [HEAD] {told.outcome.value} [END]"))
        return None


class InjectsAtOnce(Sabotaged):
    """An interrupt goes in when its result comes, wherever the model is."""

    def moment(self) -> tuple[int, list[Event]] | None:
        moment = super().moment()
        for event in moment[1] if moment else []:
            if isinstance(event, Returned):
                text = f"[INTR] {event.call} [HEAD] {event.outcome.value} [END]"
                self.session.append(Batch(text))
        return moment

    def perform(self, effect: Effect, now_us: int) -> None:
        if not isinstance(effect, Inject):
            super().perform(effect, now_us)


class SeesNoBegunMarker(Sabotaged):
    """Each end of a symbol is taken for a safe point, in the middle of a token too."""

    def moment(self) -> tuple[int, list[Event]] | None:
        moment = super().moment()
        if moment is None:
            return None
        now_us, events = moment
        return now_us, [
            replace(event, boundary=True) if isinstance(event, Decoded) else event
            for event in events
        ]


class TakesNothingBack(Sabotaged):
    """What is to be taken back stays in the context, and what was decoded with it is acted on."""

    def perform(self, effect: Effect, now_us: int) -> None:
        if not isinstance(effect, Rewind):
            super().perform(effect, now_us)


class LeavesItInTheContext(Sabotaged):
    """What is taken back is forgotten by the driver, and left in the context."""

    def perform(self, effect: Effect, now_us: int) -> None:
        if isinstance(effect, Rewind):
            self._decoder._lexer.discard(effect.offset)
            self._decoder._end = None
        else:
            super().perform(effect, now_us)


class TakesBackTooMuch(Sabotaged):
    """A rewind takes one character more back than it should."""

    def perform(self, effect: Effect, now_us: int) -> None:
        super().perform(effect, now_us)
        if isinstance(effect, Rewind):
            self.session.rewind(1)


class StartsTwice(Sabotaged):
    """A function is called twice."""

    def perform(self, effect: Effect, now_us: int) -> None:
        if isinstance(effect, Start):
            self._functions(effect)
        super().perform(effect, now_us)


class ForgetsDeadlines(Sabotaged):
    """A deadline never comes."""

    def perform(self, effect: Effect, now_us: int) -> None:
        super().perform(
            replace(effect, deadline_us=None) if isinstance(effect, Start) else effect, now_us
        )


class LooksAtTokensOneByOne(Sabotaged):
    """A marker is one only within a token."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        functions: VirtualFunctions,
        costs: DecodingCosts,
        planned: Planned,
    ) -> None:
        super().__init__(session, settings, functions, costs, planned)
        self._decoder = _Alone(session, settings.profile)


class _Alone(Decoder):
    """Asks the session for a piece, and hides a marker that is begun at its end."""

    def _decode(self) -> Piece | EndOfDecoding:
        piece = super()._decode()
        if isinstance(piece, Piece) and piece.text.rfind("[") > piece.text.rfind("]"):
            return replace(piece, text=piece.text.replace("[", "("))
        return piece


def _with_settings(change: Callable[[Settings], Settings]) -> Drive:
    def run(
        session: Session,
        functions: VirtualFunctions,
        settings: Settings | None = None,
        costs: DecodingCosts | None = None,
        planned: Planned = (),
        /,
    ) -> Iterator[Row]:
        return virtual.run_virtual(
            session, functions, change(settings or Settings()), costs, planned
        )

    return run


SABOTAGED_DRIVERS: Final[dict[str, tuple[Drive, str, str]]] = {
    **{
        each.__name__: (driver(each), check, (each.__doc__ or "").strip())
        for each, check in {
            InjectsTwice: "driver/in-place",
            InjectsNothing: "driver/in-place",
            InjectsTheFirstOnly: "vectors/two-interrupts-in-one-batch",
            InjectsBackwards: "vectors/two-interrupts-in-one-batch",
            InjectsWithoutTheBackslash: "vectors/interrupt-after-a-backslash",
            InjectsRaw: "driver/forging-result",
            InjectsAtOnce: "driver/critical-section",
            SeesNoBegunMarker: "vectors/begun-marker-holds-an-interrupt-back",
            TakesNothingBack: "driver/past-trap",
            LeavesItInTheContext: "driver/forged",
            TakesBackTooMuch: "driver/past-trap",
            StartsTwice: "driver/in-place",
            ForgetsDeadlines: "vectors/deadline-by-function",
            LooksAtTokensOneByOne: "driver/split-markers",
        }.items()
    },
    "ForgetsPendingCalls": (
        _with_settings(lambda settings: replace(settings, end="detach")),
        "driver/end-with-pending",
        "At the end of the model, calls that still run are forgotten.",
    ),
    "WaitsForIdleness": (
        _with_settings(lambda settings: replace(settings, deliver="idle")),
        "vectors/travel",
        "Interrupts go in at a trap or the end only, whatever the host chose.",
    ),
    "OneAfterAnother": (
        _with_settings(lambda settings: replace(settings, workers=1)),
        "vectors/travel",
        "Calls run one after another.",
    ),
}
"""Each with the check that is made for its fault, and what is wrong with it."""
