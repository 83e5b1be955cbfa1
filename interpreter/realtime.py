"""The realtime driver: real decoding, real functions, the real clock (spec/5-embedding.md).

Decoding runs in a thread of its own, calls run in any executor; both put what happened into one
queue, and this driver takes it out. It performs effects and yields rows; it decides nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue

from cml.ast import OutcomeKind
from interpreter.decoding import Decoder
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
    Start,
    Stopped,
    failure,
)
from interpreter.interrupts import interrupt_text
from interpreter.machine import instant
from interpreter.session import Session
from interpreter.state import Phase, Settings, State
from interpreter.tools.python import Function, call_function, outcome_of_error


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1_000


class Runtime:
    """Runs one session.

    Args:
        session: The model's context.
        functions: What the model may call, by name.
        settings: What the host chose; its `functions` are filled in from the names given here.
        executor: Where calls run; a pool of threads by default.
        clock: Microseconds, never going back.
    """

    def __init__(
        self,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings | None = None,
        executor: Executor | None = None,
        clock: Callable[[], int] = _monotonic_us,
    ) -> None:
        chosen = settings or Settings()
        self.settings = Settings(chosen.profile, tuple(functions))
        self._functions = functions
        self._decoder = Decoder(session, chosen.profile)
        self._executor = executor or ThreadPoolExecutor(thread_name_prefix="cml-call")
        self._owns_executor = executor is None
        self._clock = clock
        self._arrivals: SimpleQueue[Event | BaseException] = SimpleQueue()
        self._running: dict[str, Future[Outcome]] = {}

    def stop(self) -> None:
        """End the session at the next moment. Safe to call from a signal or another thread."""
        self._arrivals.put(Stopped())

    def run(self) -> Iterator[Row]:
        """Run the session to its end.

        Yields:
            Each row as it fires; the caller's time between rows delays nothing but the rows.

        Raises:
            HostError: The session or an executor broke the contract of spec/5-embedding.md.
            BaseException: Whatever the session itself raised while decoding.
        """
        decoding = ThreadPoolExecutor(1, thread_name_prefix="cml-decode")
        state, start_us, now_us = State(self.settings), self._clock(), -1
        self._arrivals.put(Began())
        try:
            while state.phase is not Phase.ENDED:
                events = self._due()
                # One moment, one time: what arrives later is later (Time/instant).
                now_us = max(self._clock() - start_us, now_us + 1)
                state, rows = instant(state, now_us, events)
                for row in rows:
                    for effect in row.effects:
                        self._perform(effect, decoding)
                yield from rows
        finally:
            decoding.shutdown(wait=True, cancel_futures=True)
            if self._owns_executor:
                self._executor.shutdown(wait=False, cancel_futures=True)

    def _due(self) -> list[Event]:
        """Wait for something to happen, and take all that has happened."""
        arrived = [self._arrivals.get()]
        try:
            while True:
                arrived.append(self._arrivals.get_nowait())
        except Empty:
            pass
        events: list[Event] = []
        for arrival in arrived:
            if isinstance(arrival, BaseException):
                raise arrival
            events.append(arrival)
            if isinstance(arrival, Stopped):
                break
        return events

    def _perform(self, effect: Effect, decoding: Executor) -> None:
        match effect:
            case Decode():
                self._submit(decoding, self._decode)
            case Inject():
                text = interrupt_text(effect, self.settings.profile)
                self._submit(decoding, lambda: self._decoder.append(text))
            case Rewind(offset):
                self._submit(decoding, lambda: self._decoder.rewind(offset))
            case Start():
                self._start(effect)
            case Cancel(call):
                self._running[call].cancel()
            case Report() | Finish():
                pass

    def _submit(self, decoding: Executor, verb: Callable[[], object]) -> None:
        """Run a verb of the session in its thread; what it raises is raised by `run`."""
        decoding.submit(verb).add_done_callback(self._notice)

    def _notice(self, done: Future[object]) -> None:
        if not done.cancelled() and (error := done.exception()):
            self._arrivals.put(error)

    def _decode(self) -> None:
        self._arrivals.put(self._decoder.next().event)

    def _start(self, start: Start) -> None:
        function = self._functions[start.function]
        call = start.call
        future = self._executor.submit(call_function, function, start.args, start.kwargs)
        self._running[call] = future
        future.add_done_callback(lambda done: self._arrivals.put(_returned(call, done)))


def _returned(call: str, done: Future[Outcome]) -> Returned:
    """Return the event of a call that an executor has finished with."""
    if done.cancelled():
        return Returned(call, failure("cancelled", "the call was cancelled", OutcomeKind.CANCELLED))
    error = done.exception()
    return Returned(call, done.result() if error is None else outcome_of_error(error))
