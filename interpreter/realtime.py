"""The realtime driver: real decoding, real functions, the real clock (spec/5-embedding.md).

Decoding runs in a thread of its own, calls run in any executor; both put what happened into one
queue, and this driver takes it out. It performs effects and yields rows; it decides nothing.
"""

import heapq
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Self

from msgspec.structs import replace

from interpreter.decoding import Decoder
from interpreter.events import (
    Began,
    Cancel,
    Decode,
    Effect,
    Event,
    Expired,
    Finish,
    Inject,
    Outcome,
    Report,
    Returned,
    Rewind,
    Row,
    Said,
    Start,
    Stopped,
)
from interpreter.executors.event_loop import EventLoopThread
from interpreter.interrupts import interrupt_text
from interpreter.machine import instant
from interpreter.session import Session
from interpreter.state import Phase, Settings, State
from interpreter.tools.python import Function, call_coroutine, call_function, outcome_of_future


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1_000


class Runtime:
    """Runs one session, turn by turn. Use it as a context manager, or call `close`.

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
        self.settings = replace(settings or Settings(), functions=tuple(functions))
        self._state = State(self.settings)
        self._functions = functions
        self._decoder = Decoder(session, self.settings.profile)
        self._decoding = ThreadPoolExecutor(1, thread_name_prefix="cml-decode")
        self._executor = executor or ThreadPoolExecutor(thread_name_prefix="cml-call")
        self._owns_executor = executor is None
        self._clock = clock
        self._start_us = clock()
        self._arrivals: SimpleQueue[Event | BaseException] = SimpleQueue()
        self._running: dict[str, Future[Outcome]] = {}
        self._deadlines: list[tuple[int, str]] = []

    def __enter__(self) -> Self:
        """Return the runtime itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release threads."""
        self.close()

    def close(self) -> None:
        """Wait for the decoding step that is under way, and release threads. Calls that still run
        are left to themselves.
        """
        self._decoding.shutdown(wait=True, cancel_futures=True)
        if self._owns_executor:
            self._executor.shutdown(wait=False, cancel_futures=True)

        if "_event_loop" in vars(self):
            self._event_loop.close()

    @cached_property
    def _event_loop(self) -> EventLoopThread:
        """The loop that async functions run in; there is none until one is called."""
        return EventLoopThread()

    def stop(self) -> None:
        """End the session at the next moment. Safe to call from a signal or another thread."""
        self._arrivals.put(Stopped())

    def say(self, text: str) -> None:
        """Let a person say something while the model decodes or waits. Safe from any thread."""
        self._arrivals.put(Said(text))

    def run(self) -> Iterator[Row]:
        """Run one turn: the prompt of it is in the session's context.

        Yields:
            Each row, once its effects are on their way.

        Raises:
            HostError: The session or an executor broke the contract of spec/5-embedding.md.
            BaseException: Whatever the session itself raised while decoding.
        """
        self._arrivals.put(Began())
        while True:
            events = self._due()
            # One moment, one time: what arrives later is later (Time/instant).
            now_us = max(self._now_us(), self._state.now_us + 1)
            self._state, rows = instant(self._state, now_us, events)
            for row in rows:
                for effect in row.effects:
                    self._perform(effect)
            yield from rows
            if self._state.phase is Phase.ENDED:
                return

    def _due(self) -> list[Event]:
        """Wait for something to happen, and take all that has happened."""
        events: list[Event] = []
        try:
            arrival = self._arrivals.get(timeout=self._patience_s())
            while not isinstance(arrival, BaseException):
                events.append(arrival)
                if isinstance(arrival, Stopped):
                    return events
                arrival = self._arrivals.get_nowait()
            raise arrival
        except Empty:
            return events + self._expired()

    def _patience_s(self) -> float | None:
        """How long until the next deadline, in seconds; None without one."""
        if not self._deadlines:
            return None
        return max(0.0, (self._deadlines[0][0] - self._now_us()) / 1e6)

    def _expired(self) -> list[Event]:
        expired: list[Event] = []
        while self._deadlines and self._deadlines[0][0] <= self._now_us():
            expired.append(Expired(heapq.heappop(self._deadlines)[1]))
        return expired

    def _now_us(self) -> int:
        return self._clock() - self._start_us

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Decode():
                self._submit(self._decode)
            case Inject():
                text = interrupt_text(effect, self.settings.profile)
                self._submit(lambda: self._decoder.append(text))
            case Rewind(offset):
                self._submit(lambda: self._decoder.rewind(offset))
            case Start():
                self._start(effect)
            case Cancel(call):
                self._running[call].cancel()
            case Report() | Finish():
                pass

    def _submit(self, verb: Callable[[], object]) -> None:
        """Run a verb of the session in its thread; what it raises is raised by `run`."""
        self._decoding.submit(verb).add_done_callback(self._notice)

    def _notice(self, done: Future[object]) -> None:
        if not done.cancelled() and (error := done.exception()):
            self._arrivals.put(error)

    def _decode(self) -> None:
        self._arrivals.put(self._decoder.next().event)

    def _start(self, start: Start) -> None:
        function, call = self._functions[start.function], start.call
        if start.deadline_us is not None:
            heapq.heappush(self._deadlines, (start.deadline_us, call))
        if inspect.iscoroutinefunction(function):
            coroutine = call_coroutine(function, start.args, start.kwargs)
            future = self._event_loop.submit(coroutine)
        else:
            future = self._executor.submit(call_function, function, start.args, start.kwargs)
        self._running[call] = future
        future.add_done_callback(
            lambda done: self._arrivals.put(Returned(call, outcome_of_future(done)))
        )
