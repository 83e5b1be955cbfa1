"""The verbs of a session, one after another, in a thread of their own (spec/5-embedding.md, 5.2)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cml.profile import Profile
from interpreter.drivers.decoding import Decoder
from interpreter.drivers.waiting import Suspension
from interpreter.errors import HostError
from interpreter.events import Event
from interpreter.executors.threads import DaemonThreads
from interpreter.session import PROMPTS, Batch, Session, able
from interpreter.state import State

if TYPE_CHECKING:
    from concurrent.futures import Future


class Verbs:
    """Has a session do what the effects name, and let go of its context where nothing is asked.

    Args:
        session: The model's context.
        profile: How the context is written.
        put: Is told what was decoded, in any thread; None only wakes whoever waits.
        clock: Microseconds since the session began.
    """

    def __init__(
        self,
        session: Session,
        profile: Profile,
        put: Callable[[Event | None], object],
        clock: Callable[[], int],
    ) -> None:
        self.last: Future[None] | None = None
        self.failure: BaseException | None = None
        self._put = put
        self._clock = clock
        self._takes_prompts = able(session, PROMPTS)
        self._decoder = Decoder(session, profile)
        self._suspension = Suspension(session, clock, lambda: put(None))
        self._thread = DaemonThreads("cml-decode", limit=1)

    def decode(self) -> None:
        """Answer a `decode` effect."""
        self._ask(lambda: self._put(self._decoder.next().event))

    def append(self, batch: Batch) -> None:
        """Append interrupts."""
        self._ask(lambda: self._decoder.append(batch))

    def rewind(self, offset: int) -> None:
        """Take what the model wrote from this offset on back out of the context."""
        self._ask(lambda: self._decoder.rewind(offset))

    def end_turn(self) -> None:
        """Forget what was begun in a turn that was stopped (Embed/stop)."""
        self._ask(self._decoder.end_turn)

    def prompt(self, text: str) -> bool:
        """Append what is asked in a further turn; return whether the session takes prompts."""
        takes = self._takes_prompts
        if takes is not None:
            self._ask(lambda: takes.prompt(text))
        return takes is not None

    def started(self, call: str) -> None:
        """Take note that a call starts now: it tells how long a trap may be."""
        self._suspension.started_us[call] = self._clock()

    @property
    def again_at_us(self) -> int | None:
        """When to look at the session again, though nothing happens; None for never."""
        return self._suspension.again_at_us

    def look(self, state: State) -> None:
        """Let the session let go of its context at a trap, and have it back when a turn is over."""
        if act := self._suspension.look(state):
            self._submit(act)

    def look_if_due(self, state: State) -> None:
        """Look at the session again if it is time to."""
        if self.again_at_us is not None and self.again_at_us <= self._clock():
            self.look(state)

    def close(self) -> None:
        """Release the thread; a verb that does not end is left to itself."""
        self._thread.shutdown(wait=False)

    def _ask(self, verb: Callable[[], object]) -> None:
        def awake() -> None:
            self._suspension.resume()
            verb()

        self._submit(awake)

    def _submit(self, act: Callable[[], object]) -> None:
        """Have the session do something, after what it was asked before."""
        try:
            self.last = self._thread.submit(self._do, act)
        except RuntimeError as error:
            raise HostError(
                "Embed/shutdown", f"the session was closed while it ran: {error}"
            ) from None

    def _do(self, act: Callable[[], object]) -> None:
        if self.failure:  # the context is no longer what the rows say: nothing is built on it
            return
        try:
            act()
        except BaseException as error:  # noqa: BLE001  raised again in the driver's thread
            self.failure = error
            self._put(None)
