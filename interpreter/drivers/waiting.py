"""Waiting at a trap: how long it may be, and a session that lets go of its context (Embed/suspend)."""

from collections.abc import Callable, Mapping

from interpreter.session import SUSPEND, Session, able
from interpreter.state import Phase, State, pending


class Suspension:
    """Has a session let go of its context while a turn is trapped, and take it up again.

    `look` belongs to the thread of the driver, `suspend` and `resume` to that of the verbs, where
    they are done one after another. `started_us` says when each call was started, and
    `again_at_us` when the session wants to be suspended anew.

    Args:
        session: The model's context; one that cannot suspend is left in peace.
        clock: Microseconds since the session began.
        wake: Is called when there is a time at which to look again.
    """

    def __init__(
        self, session: Session, clock: Callable[[], int], wake: Callable[[], object]
    ) -> None:
        self.started_us: dict[str, int] = {}
        self.again_at_us: int | None = None
        self._suspends = able(session, SUSPEND)
        self._clock = clock
        self._wake = wake
        self._wait_us: int | None = None
        self._is_trapped = False
        self.is_suspended = False

    def started(self, call: str) -> None:
        """Take note that a call starts now."""
        if self._suspends is not None:
            self.started_us[call] = self._clock()

    def look(self, state: State) -> Callable[[], None] | None:
        """Return what is to be done with the session, after what it was asked before; or None.

        Args:
            state: As it is now.
        """
        was_trapped, self._is_trapped = self._is_trapped, state.phase is Phase.TRAPPED
        self.again_at_us = None
        if self._suspends is None:
            return None
        if self._is_trapped:
            self._wait_us = expected_wait_us(state, self.started_us, self._clock())
            return self.suspend
        return self.resume if was_trapped else None

    def suspend(self) -> None:
        """Suspend the session, unless it was woken before it came to that."""
        if self._suspends is None or not self._is_trapped:
            return
        self.is_suspended = True
        again_us = self._suspends.suspend(self._wait_us).again_us
        if again_us is not None:
            self.again_at_us = self._clock() + max(1, again_us)
            self._wake()

    def resume(self) -> None:
        """Resume the session if it is suspended."""
        if self._suspends is not None and self.is_suspended:
            self.is_suspended = False
            self._suspends.resume()


def expected_wait_us(state: State, started_us: Mapping[str, int], now_us: int) -> int | None:
    """Return how long a trap is expected to last, in microseconds; None where nobody can tell.

    It is what the estimates of the functions say (`Settings.estimates_us`). A call that takes longer
    than that, or that waits for a worker, has none any more.

    Args:
        state: Trapped.
        started_us: When each call was started.
        now_us: The time.
    """

    def left_us(key: str) -> int | None:
        call = state.calls[key].call
        if call is None or key not in started_us:
            return None
        estimate_us = state.settings.estimates_us.get(call.function)
        left = 0 if estimate_us is None else started_us[key] + estimate_us - now_us
        return left if left > 0 else None

    left = {key: left_us(key) for key in pending(state)}
    if state.wait is None:  # whichever is first
        return min((each for each in left.values() if each is not None), default=None)
    awaited = [each for key, each in left.items() if state.wait == "all" or key in state.wait]
    known = [each for each in awaited if each is not None]
    return max(known, default=None) if len(known) == len(awaited) else None
