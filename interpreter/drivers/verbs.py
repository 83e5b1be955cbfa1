"""The verbs of a session, one after another, wherever they are done (spec/5-embedding.md, 5.2)."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import NoReturn

from cml.profile import Profile
from interpreter.drivers.decoding import Decoder
from interpreter.drivers.restoring import Restoring
from interpreter.drivers.waiting import Suspension
from interpreter.errors import HostError
from interpreter.events import Event, Row
from interpreter.executors.strand import Act, Submit
from interpreter.session import PROMPTS, Batch, Session, able
from interpreter.state import State


class Verbs:
    """Has a session do what the effects name, and let go of its context where nothing is asked.

    Args:
        session: The model's context.
        profile: How the context is written.
        put: Is told what was decoded, in any thread; None only wakes whoever waits.
        clock: Microseconds since the session began.
        strand: Makes what does verbs, one after another; it is given what to do where they are dropped.
    """

    def __init__(
        self,
        session: Session,
        profile: Profile,
        put: Callable[[Event | None], object],
        clock: Callable[[], int],
        strand: Callable[[Act], Submit],
    ) -> None:
        self.failure: BaseException | None = None
        self._put = put
        self._clock = clock
        self._prompted = able(session, PROMPTS)
        self._decoder = Decoder(session, profile)
        self._session, self._profile = session, profile
        self._suspension = Suspension(session, clock, lambda: put(None))
        self._strand = strand(partial(self._do, _drop))
        self._asked = 0  # counted here, and what is performed where the verbs are done
        self._performed = 0

    def decode(self) -> None:
        """Answer a `decode` effect."""
        self._add(self._decode)

    def restore(self, rows: Iterable[Row]) -> None:
        """Have a fresh session become the one that these rows tell of (Embed/resume)."""
        restoring = Restoring(self._session, self._decoder, self._profile)
        self._add(partial(self._awake, partial(restoring.play, rows)))

    def append(self, batch: Batch) -> None:
        """Append interrupts."""
        self._add(partial(self._awake, partial(self._decoder.append, batch)))

    def rewind(self, offset: int) -> None:
        """Take what the model wrote from this offset on back out of the context."""
        self._add(partial(self._awake, partial(self._decoder.rewind, offset)))

    def end_turn(self) -> None:
        """Forget what was begun in a turn that was stopped (Embed/stop)."""
        self._add(partial(self._awake, self._decoder.end_turn))

    @property
    def takes_prompts(self) -> bool:
        """Whether the session takes prompts (Embed/prompts)."""
        return self._prompted is not None

    def prompt(self, text: str) -> None:
        """Append what is asked in a further turn, where the session takes prompts."""
        if self._prompted is not None:
            self._add(partial(self._awake, partial(self._prompted.prompt, text)))

    def started(self, call: str) -> None:
        """Take note that a call starts now: it tells how long a trap may be."""
        self._suspension.started(call)

    @property
    def again_at_us(self) -> int | None:
        """When to look at the session again, though nothing happens; None for never."""
        return self._suspension.again_at_us

    def look(self, state: State) -> None:
        """Let the session let go of its context at a trap, and have it back when a turn is over."""
        if act := self._suspension.look(state):
            self._add(partial(self._let_go, act))

    def look_if_due(self, state: State) -> None:
        """Look at the session again if it is time to."""
        if self.again_at_us is not None and self.again_at_us <= self._clock():
            self.look(state)

    def done(self) -> "Future[None] | None":
        """Return what is done when all that was asked is; None if it is already."""
        if self._performed == self._asked:
            return None
        done: Future[None] = Future()
        self._hand_over(lambda: done.set_result(None))
        return done

    def _add(self, act: Act) -> None:
        self._hand_over(act)
        self._asked += 1

    def _hand_over(self, act: Act) -> None:
        try:
            self._strand(act)
        except RuntimeError as error:
            message = f"the session was closed while it ran: {error}"
            raise HostError("Embed/shutdown", message) from None

    def _decode(self) -> None:
        self._awake(self._next)

    def _next(self) -> None:
        self._put(self._decoder.next().event)

    def _awake(self, verb: Act) -> None:
        if self._suspension.is_suspended:
            self._do(self._suspension.resume)
        self._do(verb)
        self._performed += 1

    def _let_go(self, act: Act) -> None:
        self._do(act)
        self._performed += 1

    def _do(self, act: Act) -> None:
        if self.failure:  # the context is no longer what the rows say: nothing is built on it
            return
        try:
            act()
        except BaseException as error:  # noqa: BLE001  raised again in the driver's thread
            self.failure = error
            self._put(None)


def _drop() -> NoReturn:
    message = "the session was closed while it ran: its decoder dropped what it had taken on"
    raise HostError("Embed/shutdown", message)
