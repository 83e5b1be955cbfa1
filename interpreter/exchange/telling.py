"""An imported session told again: by the machine itself, so that its trace is one of ours.

The file says what the model wrote and when each call was answered; the machine says what follows
from it. Nothing is decoded and nothing is called.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from cml.ast import Trap
from cml.printer import escape, render
from cml.profile import Profile
from cml.text.identifiers import identifier_fault, identifier_for, reserved_fault
from interpreter.drivers.decoding import Decoder
from interpreter.drivers.timeline import Timeline
from interpreter.drivers.virtual import drive
from interpreter.errors import Stuck
from interpreter.events import (
    Began,
    Cancel,
    Decode,
    Effect,
    Event,
    Finish,
    Inject,
    Outcome,
    Report,
    Returned,
    Rewind,
    Row,
    Said,
    Start,
)
from interpreter.exchange.checking import call_of
from interpreter.exchange.foreign_json import LIMITS
from interpreter.exchange.happenings import (
    CallAnswered,
    Carried,
    Format,
    Happening,
    ModelCalled,
    ModelWaits,
    ModelWrote,
    NotCarried,
    PersonSpoke,
)
from interpreter.interrupts import batch_of
from interpreter.session import Batch, EndOfDecoding, Piece
from interpreter.state import Settings
from interpreter.trace import VERSION, Header

_PIECE_CHARACTERS: Final = 1_000_000
_STEP_US: Final = 1_000
"""Between two happenings of a format that has no times."""


def profile_of(known: Format) -> Profile:
    """Return how sessions of a format are written."""
    return Profile(body=known.body, limits=LIMITS)


def tell(happenings: Iterable[Happening], known: Format, name: str) -> tuple[Header, Iterator[Row]]:
    """Return the trace of a session in which `check` finds nothing wrong.

    Args:
        happenings: What the file says.
        known: Its format.
        name: What the header says of where it comes from.

    Returns:
        The header, and the rows as they are worked out.
    """
    told = [item for item in happenings if not isinstance(item, NotCarried)]
    story = _named(_joined(_timed(list(_waiting_once(told)))), profile_of(known))
    prompt = ""
    if story and isinstance(story[0], PersonSpoke):
        prompt = story[0].text
        story = story[1:]
    # All that is called is declared, so that a foreign `cancel` is not the machine's own.
    functions = dict.fromkeys(item.function for item in story if isinstance(item, ModelCalled))
    settings = Settings(profile=profile_of(known), functions=tuple(functions))
    header = Header(VERSION, settings, model=f"imported from {name}", prompt=prompt)
    return header, _rows(settings, story)


def _rows(settings: Settings, story: Sequence[Carried]) -> Iterator[Row]:
    told = _Story(story, settings.profile)
    yield from drive(settings, told)
    if told.left:
        raise Stuck(f"the machine ended before the session, which goes on with {told.left[0]}")


def _waiting_once(story: Iterable[Carried]) -> Iterator[Carried]:
    """Leave out that the model waits where it waits already: a machine at a trap writes no other."""
    pending, is_waiting = set[str](), False
    for item in story:
        match item:
            case ModelWaits():
                if is_waiting:
                    continue
                is_waiting = bool(pending)
            case CallAnswered(_, call):
                pending.discard(call)
                is_waiting = is_waiting and bool(pending)
            case ModelCalled(_, call):
                pending.add(call)
                is_waiting = False
            case _:
                is_waiting = False
        yield item


def _timed(story: Sequence[Carried]) -> list[Carried]:
    """Give each happening a time after that of the one before, from 0."""
    timed: list[Carried] = []
    zero = next((item.at_us for item in story if item.at_us is not None), None)
    now_us = -1 if zero is not None else -_STEP_US
    for item in story:
        later = now_us + (_STEP_US if zero is None else 1)
        now_us = later if item.at_us is None or zero is None else max(item.at_us - zero, later)
        timed.append(replace(item, at_us=now_us))
    return timed


def _joined(story: Iterable[Carried]) -> list[Carried]:
    """Make one text of prose that comes in parts, complete with its last: what spells a marker may
    stand across them, and has to be escaped as a whole.
    """
    joined: list[Carried] = []
    for kind, alike in groupby(story, type):
        items = list(alike)
        if kind is ModelWrote:
            parts = [item for item in items if isinstance(item, ModelWrote)]
            text = "".join(part.text for part in parts)
            joined.append(replace(parts[-1], line=parts[0].line, text=text))
        else:
            joined += items
    return joined


def _named(story: Sequence[Carried], profile: Profile) -> list[Carried]:
    """Give each call an identifier of CML, its own where it is one."""
    calls = [item.call for item in story if isinstance(item, ModelCalled)]
    names = {call: call for call in calls if _is_identifier(call, profile)}
    taken, numbers = set(names), Counter[str]()
    for call in calls:
        if call not in names:
            names[call] = _free(identifier_for(call, profile), taken, numbers, profile)
            taken.add(names[call])
    return [
        replace(item, call=names[item.call])
        if isinstance(item, ModelCalled | CallAnswered)
        else item
        for item in story
    ]


def _is_identifier(name: str, profile: Profile) -> bool:
    return identifier_fault(name, profile) is None and reserved_fault(name) is None


def _free(wanted: str, taken: set[str], numbers: Counter[str], profile: Profile) -> str:
    """Return a name that nobody has; `numbers` says how far each wanted one has been numbered."""
    free = wanted
    while free in taken:
        numbers[wanted] += 1
        end = f"_{numbers[wanted] + 1}"
        free = wanted[: profile.limits.identifier_characters - len(end)] + end
    return free


class _Story:
    """What the machine is told: a session that writes what the file says, and an environment in which
    calls are answered, and people speak, when the file says.

    The context has the order of the file. Where the file goes on with something from outside, the
    model is silent until it has come.

    Args:
        story: What happens, with times; the first prompt is not among it.
        profile: How the session is written.
    """

    def __init__(self, story: Sequence[Carried], profile: Profile) -> None:
        self._profile = profile
        self.left = deque(story)
        self._answers: defaultdict[str, list[tuple[int, Outcome]]] = defaultdict(list)
        self._timeline = Timeline()
        self._timeline.push(0, Began())
        self._decoder = Decoder(self, profile)
        self._written_us = 0
        self._prose = ""  # escaped, and not written yet
        self._is_over = False
        for item in story:
            match item:
                case CallAnswered(_, call, outcome, int(at_us)):
                    self._answers[call].append((at_us, outcome))
                case PersonSpoke(_, text, int(at_us)):
                    self._timeline.push(at_us, Said(text))
                case _:
                    pass

    # ------------------------------------------------------------------ as an environment

    def moment(self) -> tuple[int, list[Event]] | None:
        """Return what happens next: what a person says begins a turn when the one before is over."""
        if (found := self._timeline.pop()) is None:
            return None
        now_us, events = found
        return now_us, [self._come(event) for event in events]

    def _come(self, event: Event) -> Event:
        match event:
            case Said(text):
                self._take(PersonSpoke)
                return Began(text) if self._is_over else event
            case Returned():
                self._take(CallAnswered)
            case _:
                pass
        return event

    def _take(self, kind: type[PersonSpoke | CallAnswered]) -> None:
        if not (self.left and isinstance(self.left.popleft(), kind)):
            raise Stuck("something came from outside before what the file has before it")

    def perform(self, effect: Effect, now_us: int) -> None:
        """Answer an effect as the file says."""
        match effect:
            case Decode():
                self._is_over = False
                self._written_us = now_us
                answer = self._decoder.next()
                self._timeline.push(max(now_us, self._written_us), answer.event)
            case Start(call):
                for at_us, outcome in self._answers.pop(call, ()):
                    self._timeline.push(max(now_us, at_us), Returned(call, outcome))
            case Inject():
                self._decoder.append(batch_of(effect, self._profile))
            case Rewind(offset):
                self._decoder.rewind(offset)
            case Finish():
                self._is_over = True
            case Cancel() | Report():
                pass

    # ------------------------------------------------------------------ as a session

    def decode(self) -> Piece | EndOfDecoding:
        """Write what the file says next."""
        if self._prose:
            return self._some_prose()
        item = self.left[0] if self.left else None
        if item is None or isinstance(item, PersonSpoke | CallAnswered):
            return EndOfDecoding("stop")
        self.left.popleft()
        self._written_us = item.at_us or 0
        match item:
            case ModelWrote(_, text):
                is_block_next = bool(self.left) and isinstance(
                    self.left[0], ModelCalled | ModelWaits
                )
                self._prose = escape(text, before_marker=is_block_next)
                return self._some_prose()
            case ModelCalled(_, call):
                return Piece(render([call_of(item, call)], self._profile))
            case ModelWaits():
                return Piece(render([Trap(wait="all")], self._profile))

    def _some_prose(self) -> Piece:
        """Write as much prose as a piece may hold (Embed/piece)."""
        some, self._prose = self._prose[:_PIECE_CHARACTERS], self._prose[_PIECE_CHARACTERS:]
        return Piece(some)

    def append(self, batch: Batch) -> int:
        """Count an appended batch as nothing: no token is counted here."""
        del batch
        return 0

    def rewind(self, characters: int) -> None:
        """Keep nothing, so drop nothing."""

    def close(self) -> None:
        """Nothing is held."""
