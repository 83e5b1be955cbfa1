"""Where the work of sessions is done: what they may share (spec/5-embedding.md, 5.6)."""

from concurrent.futures import Executor
from typing import Literal, TypeAlias

from cml.arguments import kind_of
from interpreter.executors.strand import Act, Strand, Submit, at_once
from interpreter.executors.threads import DaemonThreads
from interpreter.tools.progress import Office

Decoders: TypeAlias = Executor | Literal["at once"] | None
"""Where the verbs of sessions are done: in an executor, in the thread that drives the session where
they never block, or in one thread of their own."""


class Workplace:
    """Runs calls and verbs, and takes the reports of functions.

    Args:
        executor: Where functions run that are no coroutines; a pool of threads by default. One that
            is given is not shut down.
        decoder: Where verbs are done. So is this.

    Raises:
        TypeError: One of them is something else.
    """

    def __init__(self, executor: Executor | None = None, decoder: Decoders = None) -> None:
        if executor is not None:
            _require_submit(executor, "an executor is a concurrent.futures.Executor")
        if decoder not in (None, "at once"):
            expected = "a decoder is a concurrent.futures.Executor, 'at once' or None"
            _require_submit(decoder, expected)
        self.office = Office()
        self._calls = DaemonThreads("cml-call")
        self._verbs = DaemonThreads("cml-decode", limit=1)
        self.executor = executor or self._calls
        self._decoder = decoder or self._verbs

    def strand(self, dropped: Act) -> Submit:
        """Return what does the verbs of one session, one after another.

        Args:
            dropped: Is told that some are not done; where they are done at once, all are.
        """
        if isinstance(self._decoder, str):
            return at_once
        return Strand(self._decoder.submit, dropped).add

    def close(self) -> None:
        """Release threads; what does not end is left to itself."""
        self._verbs.shutdown(wait=False)
        self._calls.shutdown(wait=False, cancel_futures=True)
        self.office.close()


def _require_submit(value: object, expected: str) -> None:
    """Check for the one verb that is used: clusters have executors of no common base."""
    if not callable(getattr(value, "submit", None)):
        raise TypeError(f"{expected}, not {kind_of(value)}")
