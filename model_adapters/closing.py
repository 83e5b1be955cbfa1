"""Where the verbs of a session are done, and its end (Embed/close)."""

from collections.abc import Iterator
from concurrent.futures import Executor, wait
from contextlib import contextmanager
from typing import Final

from cml.terminal.output import print_text
from interpreter.executors.threads import DaemonThreads
from interpreter.session import Session

_PATIENCE_S: Final = 5.0
"""How long a session may take to end, or a step that it was left in the middle of."""


@contextmanager
def decoder_of(session: Session) -> Iterator[Executor]:
    """Yield a thread for the verbs of a session, and close the session there when all else is over.

    A session that breaks as it is closed is told of; what it has said counts all the same. One that
    hangs is left behind, and ends with the process.

    Args:
        session: The session.
    """
    decoder = DaemonThreads("cml-decode", limit=1)
    try:
        yield decoder
    finally:
        closed = decoder.submit(session.close)
        decoder.shutdown(wait=False)
        wait([closed], timeout=_PATIENCE_S)
        if closed.done() and (error := closed.exception()):
            print_text(f"Error: the session could not be closed: {error}", err=True)
