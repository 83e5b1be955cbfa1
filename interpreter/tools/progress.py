"""What a function reports on its way: from wherever it runs to the driver, and not too often.

It is throttled here, beside the function, and nowhere else (Embed/progress): what is not told costs
no thread, no row and no token. A report that comes sooner than it may is dropped; the next one, or
the result, says more.
"""

import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from itertools import count
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from threading import Lock, Thread
from typing import Final, TypeAlias

import msgspec

from cml.ast import OutcomeKind
from interpreter.events import Outcome
from interpreter.tools.results import outcome_of

Tell: TypeAlias = Callable[[str, Outcome], object]
"""Takes the key of a call, and what it reports."""
_Address: TypeAlias = str | tuple[str, int]

MOST_PRINTED: Final = 65_536
"""Characters that are kept of what one call prints."""

_KEY_BYTES: Final = 32
_PATIENCE_S: Final = 5.0
_BROKEN: Final = (OSError, EOFError, AuthenticationError, msgspec.DecodeError)
_PRINTING: Final = Lock()
_DECODER: Final = msgspec.json.Decoder(tuple[int, str, Outcome])


class Cancelled(Exception):
    """The call was asked to stop, and stops."""


class Progress:
    """The reports of one call. It can be carried to another process of the same machine.

    Args:
        tell: Takes the reports that are told.
        call: The key of the call.
        at_most: How many reports are told.
        least_us: Microseconds between two of them, at least.

    Attributes:
        withheld: How many reports were not told so far, in this process.
        printed: What the call printed so far, up to `MOST_PRINTED` characters, where prints are kept.
    """

    # One for each call that runs: a dictionary would be a good part of its memory.
    __slots__ = (
        "_call",
        "_is_cancelled",
        "_least_ns",
        "_left",
        "_next_ns",
        "_tell",
        "printed",
        "withheld",
    )

    def __init__(self, tell: Tell, call: str, at_most: int, least_us: int) -> None:
        self._tell = tell
        self._call = call
        self._left = at_most
        self._least_ns = least_us * 1_000
        self._next_ns = 0
        self.withheld = 0
        self.printed = ""
        self._is_cancelled = False

    def cancel(self) -> None:
        """Ask a function that runs in this process to stop at its next report."""
        self._is_cancelled = True

    def prints(self, text: str) -> None:
        """Keep what the call prints. It is told to people, and never to the model."""
        with _PRINTING:
            self.printed += text[: MOST_PRINTED - len(self.printed)]

    def report(self, value: object) -> None:
        """Tell a value, unless it comes too soon or too many were told.

        Raises:
            Cancelled: The call was asked to stop.
        """
        if self._is_cancelled:
            raise Cancelled
        now_ns = time.monotonic_ns()
        if self._left <= 0 or now_ns < self._next_ns:
            self.withheld += 1
            return
        outcome = outcome_of(value, OutcomeKind.PROGRESS)
        if outcome.kind is not OutcomeKind.PROGRESS:
            raise TypeError(f"a {type(value).__name__} that it reports has no JSON form")
        self._left -= 1
        self._next_ns = now_ns + self._least_ns
        self._tell(self._call, outcome)


def no_progress() -> Progress:
    """Return what takes reports and tells nobody."""
    return Progress(lambda *_: None, "", at_most=0, least_us=0)


CURRENT: Final = ContextVar[Progress | None]("CURRENT", default=None)
"""The progress of the call that runs here; none outside of calls."""


def current_progress() -> Progress:
    """Return what takes the reports of the call that this runs in: a function that is no generator
    reports so. Outside of calls nobody hears of them.
    """
    return CURRENT.get() or no_progress()


class Office:
    """Takes the reports of calls from other processes, for all sessions that share it.

    The socket is opened when a box is first carried away, so threads and coroutines need none.
    """

    def __init__(self) -> None:
        self.key: Final = secrets.token_bytes(_KEY_BYTES)
        self._listener: Listener | None = None
        self._work_thread: Thread | None = None
        self._boxes: dict[int, Tell] = {}
        self._numbers = count(1)  # none is used twice: a report may come after its box is gone
        self._lock = Lock()

    def box(self, tell: Tell) -> "Box":
        """Return where the reports of one session's calls go.

        Args:
            tell: Takes them, in any thread.
        """
        return Box(self, next(self._numbers), tell)

    def address_of(self, box: "Box") -> "_Address":
        """Return where the office is to be reached; from now on it takes reports for this box."""
        with self._lock:
            self._boxes[box.number] = box
            if self._listener is None:
                self._listener = Listener(authkey=self.key)
                work = Thread(target=self._work, args=(self._listener,), daemon=True)
                work.name = "cml-progress"
                work.start()
                self._work_thread = work
            address: _Address = self._listener.address
            return address

    def forget(self, box: "Box") -> None:
        """Take no more reports for a box."""
        with self._lock:
            self._boxes.pop(box.number, None)

    def close(self) -> None:
        """Take no more reports from other processes."""
        with self._lock:
            listener, self._listener = self._listener, None
            work, self._work_thread = self._work_thread, None
        if listener is not None and work is not None:
            _send(listener.address, self.key, b"")  # wakes the thread, which sees that it is over
            work.join(_PATIENCE_S)

    def _work(self, listener: Listener) -> None:
        # The thread closes it itself: who connects when it has just seen that it is over is turned away
        # by that, and would wait for ever for somebody to accept.
        with listener:
            while self._listener is listener:
                try:
                    with listener.accept() as connection:
                        if connection.poll(_PATIENCE_S) and (message := connection.recv_bytes()):
                            self._take(message)
                        connection.send_bytes(b"")
                except _BROKEN:
                    continue

    def _take(self, message: bytes) -> None:
        number, call, outcome = _DECODER.decode(message)
        if tell := self._boxes.get(number):
            tell(call, outcome)


class Box:
    """Takes the reports of one session's calls. Carried to another process it becomes a branch, which
    brings each report here through the office.

    Args:
        office: Takes reports from other processes.
        number: Its own, in the office.
        tell: Takes the reports, in any thread.
    """

    def __init__(self, office: Office, number: int, tell: Tell) -> None:
        self.number = number
        self._office = office
        self._tell = tell

    def __call__(self, call: str, outcome: Outcome) -> None:
        """Take a report."""
        self._tell(call, outcome)

    def __reduce__(self) -> tuple[type["_Branch"], tuple[_Address, bytes, int]]:
        """Return what becomes of it in another process."""
        return _Branch, (self._office.address_of(self), self._office.key, self.number)

    def close(self) -> None:
        """Take no more reports from other processes."""
        self._office.forget(self)


class _Branch:
    """Brings reports to the office of another process. One that does not arrive is given up."""

    def __init__(self, address: _Address, key: bytes, box: int) -> None:
        self._address = address
        self._key = key
        self._box = box

    def __call__(self, call: str, outcome: Outcome) -> None:
        _send(self._address, self._key, msgspec.json.encode((self._box, call, outcome)))


def _send(address: _Address, key: bytes, message: bytes) -> None:
    """Send a message, and wait until it was taken: what comes after it comes after it."""
    try:
        with Client(address, authkey=key) as connection:
            connection.send_bytes(message)
            connection.poll(_PATIENCE_S)
    except _BROKEN:
        return
