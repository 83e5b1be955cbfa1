"""What a person sees until the first token comes: what is being done, and for how long."""

import logging
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cml.terminal.foreign import visible
from interpreter.events import Decoded, Ended, Row

_REFRESHES: Final = 4  # a second
_LOG: Final = logging.getLogger("cml")


class StartLine(logging.Handler):
    """A line at the bottom of a terminal that says the last thing logged; nothing elsewhere.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._is_shown = console.is_terminal
        self._began_s = time.monotonic()
        self._words = ""
        self._level = _LOG.level
        self._live = Live(
            console=console,
            transient=True,
            refresh_per_second=_REFRESHES,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self._line,
        )

    def __enter__(self) -> "StartLine":
        """Listen; the line appears with the first thing that is logged."""
        _LOG.addHandler(self)
        _LOG.setLevel(logging.INFO)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Take the line away."""
        self.stop()

    def emit(self, record: logging.LogRecord) -> None:
        """Show what is being done."""
        self._words = record.getMessage()
        if self._is_shown:
            self._live.start()
            self._live.refresh()

    def tell(self, words: str) -> None:
        """Print a line that stays, above this one."""
        self._live.console.print(Text(visible(words)), soft_wrap=True)

    def stop(self) -> None:
        """Take the line away, and listen no more."""
        _LOG.removeHandler(self)
        _LOG.setLevel(self._level)
        self._live.stop()

    def until_decoded(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass rows on, and stop before the first that holds something of the model's."""
        for row in rows:
            if isinstance(row.event, Decoded | Ended):
                self.stop()
            yield row

    def _line(self) -> Text:
        passed_s = time.monotonic() - self._began_s
        return Text(f"{visible(self._words)} … {passed_s:.0f} s", "dim")
