"""Live sessions: each runs by itself in the event loop, and anybody may read its rows or speak to it."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Final, Literal, Self, TypeAlias

import msgspec

from cml.terminal.output import print_text
from interpreter import Sessions
from interpreter.drivers.async_runtime import AsyncForm
from interpreter.errors import HostError
from interpreter.trace import Header
from model_adapters.commands.conversation import Conversation
from model_adapters.errors import AdapterError
from model_adapters.serving.counted import CountedSession
from model_adapters.serving.row_log import EndOfRows, RowLog
from model_adapters.serving.source import SessionWanted, Source
from model_adapters.serving.wire import RefusedError

MOST_KEPT: Final = 100
"""Sessions that are over and can still be read."""
_PATIENCE_S: Final = 5.0

Turns: TypeAlias = Literal["one", "many"]
SaidAs: TypeAlias = Literal["message", "question"]
LiveState: TypeAlias = Literal["running", "waiting", "over"]


class SessionDocument(msgspec.Struct, frozen=True):
    """What is told of a session.

    Args:
        id: Its name in addresses.
        question: What it was asked first.
        state: `running` while a turn is under way, `waiting` for a question, or `over`.
        rows: How many there are so far.
        ended: Why it is over: `closed`, `over` after its one turn, or `failed`; null while it is not.
        message: What is to be said of that.
    """

    id: str
    question: str
    state: LiveState
    rows: int
    ended: str | None
    message: str


class LiveSession:
    """One session: turns that run by themselves, and a log of their rows.

    Args:
        question: What it is asked first; that is in its context.
        form: What runs it.
        session: The model's context.
        log: The journal of `form`.
        decoder: Where the verbs of the session are done.
        turns: One, after which it is over, or as many as somebody asks.

    Attributes:
        id: Its name.
        since_s: Since when it does what it does, by a clock that never goes back.
    """

    def __init__(
        self,
        question: str,
        form: AsyncForm,
        session: CountedSession,
        log: RowLog,
        *,
        decoder: Executor,
        turns: Turns,
    ) -> None:
        self.id = secrets.token_hex(6)
        self.question = question
        self.session = session
        self.log = log
        self.since_s = time.monotonic()
        self._form = form
        self._decoder = decoder
        self._turns = turns
        self._why_closed = ""
        self._conversation = Conversation(form, lambda _: None, self._turn_ended)
        self._task = asyncio.create_task(self._run())

    @property
    def state(self) -> LiveState:
        """What it does."""
        if self.log.ended:
            return "over"
        return "waiting" if self._conversation.is_idle.is_set() else "running"

    @property
    def document(self) -> SessionDocument:
        """What is told of it."""
        ended = self.log.ended or EndOfRows("")
        rows = len(self.log.rows)
        return SessionDocument(
            self.id, self.question, self.state, rows, ended.reason or None, ended.message
        )

    def say(self, text: str) -> SaidAs:
        """Take what a person says: into the turn that is under way, or as the next question.

        Returns:
            Which of the two it is.

        Raises:
            RefusedError: The session is over, or it cannot be told.
        """
        self._require_open()
        said: SaidAs = "message" if self.state == "running" else "question"
        if said == "question" and self._turns == "one":
            raise RefusedError(409, f"the one turn of session {self.id} is over", "over")
        try:
            self._conversation.say(text)
        except HostError as error:
            status = 429 if error.clause == "Embed/full" else 400
            raise RefusedError(status, str(error), error.clause, "text") from None
        return said

    def ask(self, question: str) -> None:
        """Begin a further turn.

        Raises:
            RefusedError: The session is over, or a turn is under way.
        """
        if self.state == "running":
            message = "a turn is under way; stop it first, or say it into this turn"
            raise RefusedError(409, message, "running")
        self.say(question)

    def cancel(self, call: str) -> None:
        """Cancel a call.

        Raises:
            RefusedError: The session is over, or no such call runs.
        """
        self._require_open()
        if not self._form.cancel(call):
            message = f"no call {call!r} runs: it has not started, or it came back"
            raise RefusedError(409, message, "not_running", "call")

    def stop(self) -> None:
        """End the turn that is under way, if one is; a further one may follow."""
        if self.state == "running":
            self._form.stop()

    async def close(self, why: str = "") -> None:
        """Stop it and give its place to others; its rows can still be read.

        Args:
            why: What readers are told.
        """
        self.close_soon(why)
        await asyncio.wait([self._task])

    def close_soon(self, why: str) -> None:
        """Close it, without waiting for it.

        Args:
            why: What readers are told.
        """
        self._why_closed = why
        self._task.cancel()

    def _require_open(self) -> None:
        if self.log.ended:
            message = f"session {self.id} is over; begin another one"
            raise RefusedError(409, message, "over")

    def _turn_ended(self) -> None:
        self.since_s = time.monotonic()
        if self._turns == "one":
            self._conversation.leave()

    async def _run(self) -> None:
        """Run turn after turn; whatever ends them is told to those who read the rows."""
        ended = EndOfRows("over")
        try:
            await self._conversation.run()
        except asyncio.CancelledError:
            ended = EndOfRows("closed", self._why_closed)
        except (HostError, AdapterError) as error:
            ended = EndOfRows("failed", str(error))
        except Exception as error:  # noqa: BLE001  a session is somebody else's
            ended = EndOfRows("failed", f"{type(error).__name__}: {error}")
        if ended.reason == "failed":
            print_text(f"Error: session {self.id}: {ended.message}", err=True)
        await self._form.aclose()
        closed = self._decoder.submit(self.session.close)
        await asyncio.wait([asyncio.wrap_future(closed)], timeout=_PATIENCE_S)
        self.log.end(ended)


class LiveSessions:
    """All sessions of a server. Use it with `async with`.

    Args:
        source: Where they come from.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._forms = Sessions(decoder=source.decoder, most_open=source.most_open)
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
            made = self.source.decoder.submit(self.source.session, wanted)
            session = CountedSession(await asyncio.wrap_future(made))
            log = RowLog()
            form = self._forms.open(
                session, self.source.functions, self.source.settings(wanted), journal=log.write
            )
        except (AdapterError, HostError) as error:
            raise RefusedError(400, str(error), "unfit") from None
        finally:
            self._being_made -= 1
        log.header = Header(1, form.settings, "real", self.source.model, wanted.question)
        live = LiveSession(
            wanted.question, form, session, log, decoder=self.source.decoder, turns=turns
        )
        self._live[live.id] = live
        return live

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
            message = f"{self.source.most_open} sessions run; try again later"
            raise RefusedError(503, message, "Embed/full")
        oldest = min(waiting, key=lambda live: live.since_s)
        await oldest.close("its place was needed by another session")
