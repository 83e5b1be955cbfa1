"""What a server decodes, taken piece by piece, and begun anew where it breaks."""

import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Final, Literal, TypeAlias

from model_adapters.openai_compat.faults import FAULTS, BrokenStreamError
from model_adapters.openai_compat.parts import ContextPart
from model_adapters.openai_compat.server import Server

Reason: TypeAlias = Literal["stop", "length"]
Stream: TypeAlias = Generator[ContextPart | Reason, None, None]
"""Parts, and last of all the reason why there are no more. Closing it stops the server's work."""

_TRIES: Final = 3
"""How often a stream is begun anew, with nothing received between."""


class Feed:
    """A stream that is begun when something is wanted of it, and anew when it breaks.

    Args:
        server: Where it comes from.
        begin: Asks for what follows all that was received so far.
    """

    def __init__(self, server: Server, begin: Callable[[], Stream]) -> None:
        self._server = server
        self._begin = begin
        self._stream: Stream | None = None

    def next(self) -> ContextPart | Reason:
        """Return what comes next.

        Raises:
            ServerError: The server does not give it, after three more tries where they may help.
        """
        tries = 0
        while True:
            try:
                return self._taken()
            except FAULTS as error:
                fault = self._server.fault(error)
                self.stop()
                if fault.full:
                    return "length"
                if not fault.again or tries == _TRIES:
                    raise self._server.error(fault) from error
                time.sleep(max(fault.wait_s, self._server.first_wait_s * 2**tries))
                tries += 1
                self._server.usage.retries += 1

    def finish(self) -> None:
        """Let a stream of which no more is wanted say what it took; the server ends it now."""
        if self._stream is not None:
            with suppress(*FAULTS):
                for found in self._stream:
                    if isinstance(found, str) or found.text:  # an end token has no characters
                        break
            self.stop()

    def stop(self) -> None:
        """Stop the server's work, if it is at work. What it decoded ahead is forgotten."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(*FAULTS):
                stream.close()

    def _taken(self) -> ContextPart | Reason:
        if self._stream is None:
            self._stream = self._begin()
        found = next(self._stream, None)
        if found is None:
            raise BrokenStreamError("the stream ended in the middle of an answer")
        if isinstance(found, str):
            self.stop()
        return found
