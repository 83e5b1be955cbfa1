"""The blocking form of the realtime driver: a session in the caller's thread, turn by turn."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, wait
from typing import Self

from interpreter.drivers.driver import Journal, forget, monotonic_us
from interpreter.drivers.form import LOOK_S, RuntimeForm
from interpreter.events import Row
from interpreter.executors.event_loop import EventLoopThread
from interpreter.executors.workplace import Decoders, Workplace
from interpreter.journals.past import Past
from interpreter.session import Session
from interpreter.state import Settings
from interpreter.tools.signature import Function


class Runtime(RuntimeForm):
    """Runs one session, turn by turn. Use it as a context manager, or call `close`.

    Args:
        session: The model's context.
        functions: What the model may call, by name.
        settings: What the host chose; its `functions` are filled in from the names given here.
        executor: Where calls run; a pool of threads by default, at most 1,000.
        decoder: Where the verbs of the session are done, as for `Sessions`; a thread of its own by default.
        clock: Microseconds, never going back.
        journal: Writes the rows of each instant before any of their effects is performed, as
            `interpreter.trace.journal` does. What it raises ends the run.
        patience_s: How long to wait, in seconds, for a session that is stopped in the middle of a
            step, and at the end for coroutines that are cancelled. What does not end by then is
            left behind: its thread ends with the process.
        past: What the session goes on from, out of its trace (Embed/resume): its settings count, and
            the first `run` goes on with a turn that is under way.

    Raises:
        HostError: The settings are out of bounds, or a function is none.
    """

    def __init__(
        self,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings | None = None,
        executor: Executor | None = None,
        *,
        decoder: Decoders = None,
        clock: Callable[[], int] = monotonic_us,
        journal: Journal = forget,
        patience_s: float = 5.0,
        past: Past | None = None,
    ) -> None:
        workplace = Workplace(executor, decoder)
        super().__init__(
            session,
            functions,
            settings,
            workplace,
            EventLoopThread(),
            clock=clock,
            journal=journal,
            patience_s=patience_s,
            release=workplace.close,
            past=past,
        )

    def __enter__(self) -> Self:
        """Return the runtime itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release threads."""
        self.close()

    def close(self) -> tuple[str, ...]:
        """Stop a turn that is under way, wait until every effect is performed, cancel coroutines, and
        release threads. In a signal too, whatever its thread is doing: an instant that is being taken then is
        the last of the trace, or no part of it.

        Returns:
            The calls that still run. They are left behind: nobody hears of them any more, and they
            end with the process at the latest. So is a step of the session that does not end.

        Raises:
            HostError: A function that the session called tried to close it (Embed/shutdown).
        """
        if self._begin_closing():
            try:
                self._driver.end_turn()
                self._await_verbs()
            finally:
                self._end()
        return self._left_behind()

    def run(self, prompt: str = "") -> Iterator[Row]:
        """Run one turn. The first prompt is in the session's context; so may be those of further turns.

        Args:
            prompt: What is asked in a further turn, where the host has not put it there: it goes in
                as this model takes prompts, or else as a message (Embed/prompt). It is text, and its
                JSON has at most 4,194,304 bytes.

        Yields:
            Each row, once it is written and its effects are on their way. After the last one every
            effect has been performed.

        Raises:
            HostError: The session or an executor broke the contract of spec/5-embedding.md.
            BaseException: Whatever the session itself, or the journal, raised.
        """
        driver = self._driver
        yield from driver.begin(prompt)
        while not driver.is_over:
            driver.raise_failure()
            yield from driver.take(driver.arrivals.wait(driver.patience_s))
        self._await_verbs()
        driver.raise_failure()

    def _await_verbs(self) -> None:
        for last in self._verbs_under_way():
            wait([last], timeout=LOOK_S)
