"""One thing after another, in an executor that others use too."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import RLock
from typing import TypeAlias

Act: TypeAlias = Callable[[], object]
"""Something to do; it raises nothing."""

Submit: TypeAlias = Callable[[Act], object]
"""Has something done, now or later: the `submit` of an executor, the `add` of a strand, or `at_once`."""


def at_once(act: Act) -> None:
    """Do it here and now: for what never blocks. In one thread it is one thing after another."""
    act()


class Strand:
    """Does acts in their order. None holds a thread while it waits for the one before it, and between
    two of one strand every other strand of the executor has its turn.

    Args:
        submit: Where they are done.
        dropped: Is told that what was submitted is not done there, as where an executor is shut down and its
            futures are cancelled. What waits is done all the same after that, by whoever dropped it.
    """

    def __init__(self, submit: Submit, dropped: Act) -> None:
        self._submit = submit
        self._dropped = dropped
        self._waiting: list[Act] = []  # short: a deque would be most of the memory of a session
        self._lock = RLock()  # a signal may add something while its thread does
        self._is_busy = False

    def add(self, act: Act) -> None:
        """Have something done after all that came before.

        Raises:
            RuntimeError: The executor takes no more.
        """
        with self._lock:
            self._waiting.append(act)
            if self._is_busy:
                return
            self._is_busy = True
        try:
            self._hand_over()
        except RuntimeError:
            with self._lock:
                self._waiting.clear()
                self._is_busy = False
            raise

    def _work(self) -> None:
        while self._do_next():
            try:
                self._hand_over()
            except RuntimeError:
                continue  # the executor was shut down: what it has taken on is done all the same
            return

    def _hand_over(self) -> None:
        taken = self._submit(self._work)
        if isinstance(taken, Future):
            taken.add_done_callback(self._look)

    def _look(self, taken: Future[object]) -> None:
        """Go on where work was not done: it raises nothing itself."""
        if taken.cancelled() or taken.exception():
            self._dropped()
            while self._do_next():
                pass

    def _do_next(self) -> bool:
        """Do the next act; return whether more wait."""
        for act in self._waiting[:1]:  # none, where a signal came while its thread added it
            act()
        with self._lock:
            del self._waiting[:1]
            self._is_busy = bool(self._waiting)
            return self._is_busy
