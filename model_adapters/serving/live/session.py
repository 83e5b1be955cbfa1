"""A live session: it runs by itself in the event loop, and anybody may read its rows or speak to it."""

import asyncio
import secrets
import time
from concurrent.futures import Executor
from typing import Final, Literal, TypeAlias

import msgspec

from cml.ast import OutcomeKind
from cml.terminal.output import print_text
from interpreter.drivers.async_runtime import AsyncForm
from interpreter.errors import HostError
from interpreter.events import Expired, Outcome, Returned, Row
from model_adapters.commands.conversation import Conversation
from model_adapters.errors import AdapterError
from model_adapters.serving.live.counted import CountedSession
from model_adapters.serving.live.row_log import EndOfRows, RowLog
from model_adapters.serving.wire import RefusedError

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
        self._told: dict[str, int] = {}  # how much of what a call printed, in characters
        self._conversation = Conversation(form, self._see, self._turn_ended)
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

    def _see(self, row: Row) -> None:
        """Tell whoever keeps the server what a call has printed, once it is over."""
        match row.event:
            case Returned(_, Outcome(OutcomeKind.PROGRESS)):
                pass
            case Returned(call) | Expired(call):
                self._tell_printed(call)
            case _:
                pass

    def _tell_printed(self, call: str) -> None:
        """Tell what a call has printed and was not told yet: one that was cancelled may print on, and
        comes back once more.
        """
        printed = self._form.printed(call)
        words = printed[self._told.get(call, 0) :].strip()
        self._told[call] = len(printed)
        if words:
            print_text(f"session {self.id}: {call} printed: {words}", err=True)

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
        closed = asyncio.wrap_future(self._decoder.submit(self.session.close))
        await asyncio.wait([closed], timeout=_PATIENCE_S)
        if closed.done() and (fault := closed.exception()):
            print_text(f"Error: session {self.id} could not be closed: {fault}", err=True)
        self.log.end(ended)
