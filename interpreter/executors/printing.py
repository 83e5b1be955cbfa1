"""What calls print while a session is shown: kept with the call, instead of in the middle of the view.

`contextlib.redirect_stdout` cannot do this: it redirects every thread. Here both outputs are asked, at
each write, in which call they are written to: a call's context goes with it into its tasks and into
the threads of `asyncio.to_thread`.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, TextIO

from interpreter.tools.progress import CURRENT, Progress, no_progress

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@contextmanager
def keeping_prints() -> Iterator[Progress]:
    """Keep what is printed in calls of this process with the call (`Runtime.printed`).

    What other threads print to standard output, such as those that a function starts, is kept
    too; it belongs to no call. What they say on standard error goes there. C code and other
    programs that write past Python are not heard; in `interpreter.executors.Processes` they are.

    Yields:
        What takes the prints that belong to no call.
    """
    others, own = no_progress(), threading.current_thread()

    def of_other_threads() -> Progress | None:
        return None if threading.current_thread() is own else others

    before = sys.stdout, sys.stderr
    out, err = _Kept(sys.stdout, of_other_threads), _Kept(sys.stderr, _nobody)
    sys.stdout, sys.stderr = out, err
    try:
        yield others
    finally:
        sys.stdout, sys.stderr = before


class _Kept:
    """An output that gives the prints of calls to the calls, and is in all else the one behind it.

    Attributes:
        rich_proxied_file: The output behind it; `rich` asks for it and writes there.
    """

    def __init__(self, behind: TextIO, otherwise: Callable[[], Progress | None]) -> None:
        self.rich_proxied_file: Final = behind
        self._otherwise = otherwise

    def __getattr__(self, name: str) -> object:
        """Return what the output behind it has by this name."""
        return getattr(self.rich_proxied_file, name)

    def write(self, text: str) -> int:
        """Write, or keep."""
        keeper = self._keeper()
        if keeper is None:
            return self.rich_proxied_file.write(text)
        keeper.prints(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write, or keep, each."""
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> "_KeptBytes | IO[bytes]":
        """What takes bytes here and now."""
        keeper = self._keeper()
        return self.rich_proxied_file.buffer if keeper is None else _KeptBytes(keeper)

    def _keeper(self) -> Progress | None:
        """Return what keeps what is printed here and now; None where nothing does."""
        return CURRENT.get() or self._otherwise()


class _KeptBytes:
    """Takes the bytes that a call prints."""

    def __init__(self, keeper: Progress) -> None:
        self._keeper = keeper

    def write(self, written: "ReadableBuffer") -> int:
        """Keep them as text."""
        content = bytes(written)
        self._keeper.prints(content.decode("utf-8", "replace"))
        return len(content)

    def flush(self) -> None:
        """Do nothing: all of it is kept."""


def _nobody() -> None:
    """Keep nothing."""
