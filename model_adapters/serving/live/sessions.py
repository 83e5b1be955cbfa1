"""All live sessions of a server: they share what is loaded, and there is room for so many."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final, Self

from cml.wording import counted
from interpreter import Sessions
from interpreter.errors import HostError
from interpreter.session import Session
from interpreter.trace import Header
from model_adapters.errors import AdapterError, OptionNotTakenError
from model_adapters.serving.live.counted import CountedSession
from model_adapters.serving.live.row_log import RowLog
from model_adapters.serving.live.session import LiveSession, Turns
from model_adapters.serving.live.source import SessionWanted, Source
from model_adapters.serving.wire import RefusedError

MOST_KEPT: Final = 100
"""Sessions that are over and can still be read."""


class LiveSessions:
    """All sessions of a server. Use it with `async with`.

    Args:
        source: Where they come from.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._forms = Sessions(source.executor, source.decoder, most_open=source.most_open)
        self._live: dict[str, LiveSession] = {}
        self._being_made = 0
        self._is_closed = False

    async def __aenter__(self) -> Self:
        """Return the sessions themselves."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them all."""
        await self.aclose()

    def __iter__(self) -> Iterator[LiveSession]:
        """Return those that are known, the oldest first."""
        return iter(tuple(self._live.values()))

    def get(self, name: str) -> LiveSession:
        """Return a session.

        Raises:
            RefusedError: There is none of this name.
        """
        try:
            return self._live[name]
        except KeyError:
            message = f"there is no session {name!r}; GET /api/sessions lists them"
            raise RefusedError(404, message, "no_session", "id") from None

    async def begin(self, wanted: SessionWanted, turns: Turns = "many") -> LiveSession:
        """Begin a session; it runs from here on.

        Args:
            wanted: What for.
            turns: How many turns it has.

        Raises:
            RefusedError: It cannot be had: all places are taken, the model takes no such chat, or
                what is wanted is out of bounds.
        """
        await self._make_room()
        self._being_made += 1
        try:
            live = await self._begin(wanted, turns)
        except OptionNotTakenError as error:
            message = f"the model of this server takes no {', '.join(error.options)}; leave it out"
            raise RefusedError(400, message, "unsupported_parameter", error.options[0]) from None
        except (AdapterError, HostError) as error:
            raise RefusedError(400, str(error), "unfit") from None
        finally:
            self._being_made -= 1
        self._live[live.id] = live
        return live

    async def _begin(self, wanted: SessionWanted, turns: Turns) -> LiveSession:
        """Make a session, and begin with it.

        Raises:
            AdapterError: It cannot be had.
            HostError: It breaks the contract, or does not go with what the host chose.
        """
        source, log = self.source, RowLog()
        made = source.decoder.submit(source.session, wanted)
        try:
            session = CountedSession(await asyncio.wrap_future(made))
            settings = source.settings(wanted)
            form = self._forms.open(session, source.functions, settings, journal=log.write)
        except BaseException:
            made.add_done_callback(_close)
            raise
        log.header = Header(1, form.settings, "real", source.model, wanted.question)
        return LiveSession(wanted.question, form, session, log, decoder=source.decoder, turns=turns)

    async def aclose(self) -> None:
        """Stop and close what is open, side by side."""
        self._is_closed = True
        closing = (live.close("the server ends") for live in self if live.state != "over")
        await asyncio.gather(*closing)
        await self._forms.aclose()
        self.source.decoder.shutdown(wait=False)

    async def _make_room(self) -> None:
        """See that there is a place for one more: the session that waits the longest for a question
        gives its own up.

        Raises:
            RefusedError: None waits, or the server ends.
        """
        over = [live for live in self if live.state == "over"]
        for old in over[: max(0, len(over) - MOST_KEPT)]:
            del self._live[old.id]
        if self._is_closed:
            raise RefusedError(503, "the server ends", "ending")
        if len(self._forms) + self._being_made < self.source.most_open:
            return
        waiting = [live for live in self if live.state == "waiting"]
        if not waiting:
            message = (
                f"there is room for {counted(self.source.most_open, 'session')}; try again later"
            )
            raise RefusedError(503, message, "Embed/full")
        oldest = min(waiting, key=lambda live: live.since_s)
        await oldest.close("its place was needed by another session")


def _close(made: Future[Session]) -> None:
    """Close a session that was made, or is still being made, and cannot be run."""
    if not made.cancelled() and made.exception() is None:
        made.result().close()
