"""Executors that misbehave: around any other, for one call or for all."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from enum import Enum
from typing import Any, Final, ParamSpec, TypeVar

from cml.ast import OutcomeKind
from interpreter.events import Outcome

P = ParamSpec("P")
T = TypeVar("T")

_LATE_S: Final = 0.02


class ExecutorFault(Enum):
    """What an executor may do wrong with a call."""

    NOTHING = "nothing"
    REFUSES = "refuses"
    EXITS = "exits"
    AT_ONCE = "completes at once"
    TWICE = "calls back twice"
    EARLY = "calls back early"
    DEAF = "cannot be called back"
    NO_OUTCOME = "gives no outcome"
    PROGRESS = "gives progress at the end"
    ERROR = "gives an error of its own"
    GONE = "cannot say what came of it"
    STUBBORN = "cannot be asked to stop"
    DELAYS = "delays"
    REORDERS = "reorders"
    DUPLICATES = "runs it twice"
    DROPS = "drops"


EXECUTOR_FAULTS: Final[dict[ExecutorFault, OutcomeKind]] = {
    ExecutorFault.NOTHING: OutcomeKind.RETURNED,
    ExecutorFault.REFUSES: OutcomeKind.FAILED,
    ExecutorFault.EXITS: OutcomeKind.FAILED,
    ExecutorFault.AT_ONCE: OutcomeKind.RETURNED,
    ExecutorFault.TWICE: OutcomeKind.RETURNED,
    ExecutorFault.EARLY: OutcomeKind.FAILED,
    ExecutorFault.DEAF: OutcomeKind.FAILED,
    ExecutorFault.NO_OUTCOME: OutcomeKind.FAILED,
    ExecutorFault.PROGRESS: OutcomeKind.FAILED,
    ExecutorFault.ERROR: OutcomeKind.FAILED,
    ExecutorFault.GONE: OutcomeKind.FAILED,
    ExecutorFault.STUBBORN: OutcomeKind.RETURNED,
    ExecutorFault.DELAYS: OutcomeKind.RETURNED,
    ExecutorFault.REORDERS: OutcomeKind.RETURNED,
    ExecutorFault.DUPLICATES: OutcomeKind.RETURNED,
    ExecutorFault.DROPS: OutcomeKind.TIMEOUT,
}
"""How a call ends that would have returned, if it has a deadline."""


class FaultyExecutor(Executor):
    """Runs calls in another executor, and does with each what a fault says.

    Args:
        behind: Where they run. It is shut down with this one.
        next_fault: Says what goes wrong with the next call.
    """

    def __init__(self, behind: Executor, next_fault: Callable[[], ExecutorFault]) -> None:
        self._behind = behind
        self._next_fault = next_fault
        self._held: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function, in one way or another.

        Raises:
            RuntimeError: The fault of this call is a refusal.
            SystemExit: It is an exit.
        """

        def run() -> Future[T]:
            return self._behind.submit(fn, *args, **kwargs)

        match fault := self._next_fault():
            case ExecutorFault.NOTHING:
                return run()
            case ExecutorFault.REFUSES:
                raise RuntimeError("cannot schedule new futures after shutdown")
            case ExecutorFault.EXITS:
                sys.exit(3)
            case ExecutorFault.AT_ONCE:
                done: Future[T] = Future()
                done.set_result(fn(*args, **kwargs))
                return done
            case ExecutorFault.REORDERS:
                return self._behind_the_next(run())
            case _:
                return _odd(fault, run)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut down the executor behind."""
        self._behind.shutdown(wait, cancel_futures=cancel_futures)

    def _behind_the_next(self, inner: Future[T]) -> Future[T]:
        """Return a future that is done when the next of its kind has come, or after a while."""
        outer: Future[T] = Future()

        def arrived(done: Future[T]) -> None:
            with self._lock:
                before, self._held = self._held, None
                if before is None:
                    self._held = lambda: _pass_on(done, outer)
            if before is None:
                _later(self._let_go)
            else:
                _pass_on(done, outer)
                before()

        inner.add_done_callback(arrived)
        return outer

    def _let_go(self) -> None:
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            held()


class _Twice(Future[T]):
    """Says twice that it is done."""

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        super().add_done_callback(fn)
        super().add_done_callback(fn)


class _Early(Future[T]):
    """Says that it is done before it is."""

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        fn(self)


class _Deaf(Future[T]):
    """Can tell nobody that it is done."""

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        raise ConnectionError(f"the cluster is gone, and {fn} with it")


class _Gone(Future[T]):
    """Cannot say what came of it."""

    def exception(self, timeout: float | None = None) -> BaseException | None:
        del timeout
        raise ConnectionError("the cluster is gone")


class _Stubborn(Future[T]):
    """Cannot even be asked to stop."""

    def cancel(self) -> bool:
        raise ConnectionError("the cluster is gone")


_KINDS: Final[dict[ExecutorFault, type[Future[Any]]]] = {
    ExecutorFault.TWICE: _Twice,
    ExecutorFault.EARLY: _Early,
    ExecutorFault.DEAF: _Deaf,
    ExecutorFault.GONE: _Gone,
    ExecutorFault.STUBBORN: _Stubborn,
}


def _odd(fault: ExecutorFault, run: "Callable[[], Future[T]]") -> Future[T]:
    """Run a call, and return a future that is odd, or is told something odd."""
    outer: Future[Any] = _KINDS.get(fault, Future)()
    tells: dict[ExecutorFault, Callable[[Future[T]], object]] = {
        ExecutorFault.NO_OUTCOME: lambda _: outer.set_result("hello"),
        ExecutorFault.PROGRESS: lambda _: outer.set_result(Outcome(OutcomeKind.PROGRESS, 1)),
        ExecutorFault.ERROR: lambda _: outer.set_exception(TypeError("cannot be unpickled")),
        ExecutorFault.DELAYS: lambda done: _later(lambda: _pass_on(done, outer)),
        ExecutorFault.DROPS: lambda _: None,
    }
    tell = tells.get(fault, lambda done: _pass_on(done, outer))
    for _ in range(2 if fault is ExecutorFault.DUPLICATES else 1):
        run().add_done_callback(tell)
    return outer


def _pass_on(inner: Future[T], outer: Future[T]) -> None:
    """Tell a future what another one is told; the first to tell it something counts."""
    with suppress(InvalidStateError):
        if inner.cancelled():
            outer.cancel()
        elif error := inner.exception():
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())


def _later(act: Callable[[], object]) -> None:
    timer = threading.Timer(_LATE_S, act)
    timer.daemon = True
    timer.start()
