"""A conversation: turns of one session, and what a person says while one is under way."""

import asyncio
from collections.abc import Callable
from enum import Enum

from interpreter.drivers.async_runtime import AsyncForm
from interpreter.events import Row


class Leaving(Enum):
    """How a person leaves."""

    END = "end"
    """There is nothing more to say."""
    BROKEN_OFF = "broken off"


class Conversation:
    """Turns of one session, in the running event loop.

    A message that comes while the model writes goes in as an interrupt; one that comes between two
    turns is the prompt of the next. No message is lost: one that came as a turn was ending begins
    another.

    Args:
        runtime: The session; the first prompt is in its context.
        see: Takes each row.
        turn_ended: Is called after each turn.

    Attributes:
        is_writing: Whether a turn is under way.
        is_idle: Is set where no turn is under way, and nothing waits to begin one.
    """

    def __init__(
        self,
        runtime: AsyncForm,
        see: Callable[[Row], object],
        turn_ended: Callable[[], object],
    ) -> None:
        self.is_writing = False
        self.is_idle = asyncio.Event()
        self._runtime = runtime
        self._see = see
        self._turn_ended = turn_ended
        self._is_stopping = False
        self._next: asyncio.Queue[str | Leaving] = asyncio.Queue()

    def say(self, text: str) -> None:
        """Take a message: into the turn that is under way or about to begin, or as the prompt of one.

        Raises:
            HostError: It cannot be told (Embed/message).
        """
        if self.is_idle.is_set():
            self.is_idle.clear()
            self._next.put_nowait(text)
        else:
            self._runtime.say(text)

    def interrupt(self) -> None:
        """Stop what the model does; where it does nothing, or is stopping already, leave."""
        if self.is_writing and not self._is_stopping:
            self._is_stopping = True
            self._runtime.stop()
        else:
            self.leave(Leaving.BROKEN_OFF)

    def leave(self, how: Leaving = Leaving.END) -> None:
        """Leave when the turn that is under way is over."""
        self._next.put_nowait(how)

    async def run(self) -> Leaving:
        """Run turns until the person leaves.

        Raises:
            HostError: As `AsyncRuntime.run` does.
            BaseException: Whatever the session or the journal raised.
        """
        prompt: str | Leaving = ""
        while not isinstance(prompt, Leaving):
            await self._turn(prompt)
            while self._runtime.has_message():
                await self._turn("")
            if self._next.empty():
                self.is_idle.set()
            prompt = await self._next.get()
        return prompt

    async def _turn(self, prompt: str) -> None:
        self.is_writing, self._is_stopping = True, False
        try:
            async for row in self._runtime.run(prompt):
                self._see(row)
        finally:
            self.is_writing = False
        self._turn_ended()
