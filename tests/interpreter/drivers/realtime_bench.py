"""The core of the realtime driver on a bench: a clock that a test sets, calls that end when it says so,
and verbs that are done at once. Nothing waits, and nothing depends on threads.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from functools import partial

from interpreter import EndOfDecoding, Piece, ScriptedSession, Settings
from interpreter.drivers.driver import Driver
from interpreter.events import Event, Row, Start
from interpreter.executors.event_loop import EventLoopThread
from interpreter.executors.workplace import Workplace
from interpreter.journals.past import Past
from interpreter.session import Session
from interpreter.tools.progress import CURRENT

_MOST_INSTANTS = 200


class Held(Executor):
    """Holds each call until a test lets it run."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.futures: list[Future[object]] = []
        self.told_apart: list[bool] = []
        """Whether it could see, at each submit, whose call it is given."""

    def submit(self, function, /, *args, **kwargs):
        self.told_apart.append(CURRENT.get() is not None)
        self.calls.append(partial(function, *args, **kwargs))
        self.futures.append(Future())
        return self.futures[-1]

    def run(self, number: int = -1) -> None:
        """Run a call, by default the last, to its end."""
        self.futures[number].set_result(self.calls[number]())


class Bench:
    """A driver, and all that it is given.

    Attributes:
        now_us: What the clock says.
        journal: The rows of each instant, as they were written.
        seen: The same, as they were told.
        so_far_us: The time of the last row of its past.
    """

    def __init__(
        self,
        script: Iterable[Piece | EndOfDecoding | str] | Session = (),
        functions: Mapping[str, object] | None = None,
        settings: Settings | None = None,
        *,
        most_waiting: int = 1_000,
        past: Past | None = None,
        now_us: int = 1_000,
        submit: object = "at once",
        write: Callable[[list[Row]], None] | None = None,
        see: Callable[[list[Row]], None] | None = None,
    ) -> None:
        self.session = script if hasattr(script, "decode") else ScriptedSession(script)
        self.now_us, self.so_far_us = now_us, 0
        self.journal: list[list[Row]] = []
        self.seen: list[list[Row]] = []
        self.held = Held()
        self.driver = Driver(
            self.session,
            {"f": lambda: 1} if functions is None else functions,
            Settings() if settings is None else settings,
            workplace=Workplace(self.held, submit),
            coroutines=EventLoopThread(),
            clock=lambda: self.now_us,
            journal=write or self.journal.append,
            seen=see or self.seen.append,
            most_waiting=most_waiting,
            past=past,
        )

    def turn(self, prompt: str = "") -> list[Row]:
        """Begin a turn, and take what comes until nothing does."""
        return [*self.driver.begin(prompt), *self.rest()]

    def rest(self) -> list[Row]:
        """Take what comes until nothing does."""
        rows: list[Row] = []
        for _ in range(_MOST_INSTANTS):
            if self.driver.arrivals.is_empty or self.driver.is_over:
                return rows
            rows += self.driver.take()
        raise AssertionError("it does not come to an end")

    def put(self, *events: Event) -> list[Row]:
        """Let something happen, in one instant, and take what comes of it."""
        for event in events:
            self.driver.put(event)
        return [*self.driver.take(), *self.rest()]

    def returns(self, number: int = -1) -> list[Row]:
        """Let a call come back."""
        self.held.run(number)
        return self.rest()

    @property
    def starts(self) -> list[Start]:
        """What was started, as the rows say."""
        effects = (effect for rows in self.journal for row in rows for effect in row.effects)
        return [effect for effect in effects if isinstance(effect, Start)]


def rules(rows: Iterable[Row]) -> list[str]:
    """The rules of the rows that an event has."""
    return [row.rule for row in rows if row.event is not None]
