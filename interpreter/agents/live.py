"""Agents in one event loop, over what `Sessions` share (spec/5-embedding.md, section 7)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from interpreter.agents.post import SEND, Letter, Post
from interpreter.drivers.async_runtime import AsyncForm
from interpreter.drivers.driver import Journal, forget
from interpreter.drivers.form import MOST_WAITING
from interpreter.drivers.sessions import Sessions
from interpreter.drivers.spoken import SpokenMessage
from interpreter.errors import HostError
from interpreter.events import EndReason, Row, Said
from interpreter.session import Session
from interpreter.state import Settings
from interpreter.tools.declared import declaration_of, tool
from interpreter.tools.signature import Function


class Agents:
    """Sessions that write to each other. All of it belongs to the thread of the event loop.

    Args:
        sessions: What they share: the executor, the decoder, the bound on how many are open.
        names: Those of all agents, each once.

    Raises:
        HostError: One is no name of an agent, or stands twice (Embed/agents).
    """

    def __init__(self, sessions: Sessions, names: Iterable[str]) -> None:
        self._sessions = sessions
        self._post = Post(names)
        self._agents: dict[str, _Agent] = {}
        self._is_running = False
        self._turns: set[asyncio.Task[None]] = set()
        self._errors: list[Exception] = []

    @property
    def left_over(self) -> tuple[Letter, ...]:
        """The messages that were sent and did not go in."""
        return self._post.left_over

    def send(self, name: str, settings: Settings | None = None) -> Function:
        """Return the function by which an agent writes to the others: for whoever tells a model what
        it may call. `open` adds it where the functions have none of this name.

        Args:
            name: Whose it is.
            settings: Those of its session; their limits bound what it sends.

        Raises:
            HostError: There is no such agent (Embed/agents).
        """
        limits = (settings or Settings()).profile.limits
        at_once = self._post.sender(name, limits, self._bring)
        declared = declaration_of(at_once)

        @tool(name=SEND, description=at_once.__doc__, parameters=declared.parameters)
        async def send(to: str, text: str) -> object:
            return at_once(to, text)  # in the loop, one after another

        return send

    def open(
        self,
        name: str,
        session: Session,
        functions: Mapping[str, Function],
        settings: Settings | None = None,
        *,
        journal: Journal = forget,
        most_waiting: int = MOST_WAITING,
        waits: bool = False,
    ) -> AsyncForm:
        """Open the session of an agent. It is closed with the sessions.

        Args:
            name: Its name.
            session: The model's context.
            functions: What the model may call, by name.
            settings: What the host chose.
            journal: As for `Sessions.open`.
            most_waiting: As for `Sessions.open`.
            waits: Whether its first turn begins with the first message, and not at once.

        Raises:
            HostError: There is no such agent, or it is open (Embed/agents); and as `Sessions.open`.
        """
        if name in self._agents:
            raise HostError("Embed/agents", f"the agent {name} is open")

        def seen(rows: Sequence[Row]) -> None:
            journal(rows)
            self._post.see(name, rows)

        form = self._sessions.open(
            session,
            {SEND: self.send(name, settings), **functions},
            settings,
            journal=seen,
            most_waiting=most_waiting,
        )
        self._agents[name] = _Agent(form, is_called=not waits)
        return form

    def say(self, name: str, text: str) -> SpokenMessage:
        """Let a person say something to an agent. Between two turns it begins one.

        Raises:
            HostError: There is no such agent (Embed/agents), or it cannot be told (Embed/message,
                Embed/full, Embed/shutdown).
        """
        return self._post.carry(Letter(name, Said(text)), self._bring)

    async def run(self) -> dict[str, EndReason]:
        """Run turns until no agent has anything to do: none is in a turn, and none has a message
        that came since its last one began.

        Returns:
            Why the last turn of each ended that had one.

        Raises:
            ExceptionGroup: What single sessions or their journals raised. The others are done by
                then.
        """
        self._errors.clear()
        self._is_running = True
        try:
            for name in self._agents:
                self._begin(name)
            while self._turns:  # a message begins others while these are waited for
                await asyncio.wait(tuple(self._turns))
        finally:
            self._is_running = False
            for turn in self._turns:
                turn.cancel()
            await asyncio.gather(*self._turns, return_exceptions=True)
        if self._errors:
            raise ExceptionGroup("some agents broke off", self._errors)
        agents = self._agents.items()
        return {name: each.reason for name, each in agents if each.reason is not None}

    def _opened(self, name: str) -> "_Agent":
        if name not in self._agents:
            raise HostError("Embed/agents", f"no agent {name} is open")
        return self._agents[name]

    def _bring(self, letter: Letter) -> SpokenMessage:
        said, agent = letter.said, self._opened(letter.to)
        spoken = agent.form.say(said.text, said.sender, said.hops)
        agent.is_called = True
        self._begin(letter.to)
        return spoken

    def _begin(self, name: str) -> None:
        agent = self._agents[name]
        if self._is_running and agent.is_called and not agent.is_in_turn:
            agent.is_in_turn = True
            turn = asyncio.create_task(self._take_turns(name, agent))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    async def _take_turns(self, name: str, agent: "_Agent") -> None:
        try:
            while agent.is_called and agent.reason in {None, "stop"}:
                agent.is_called = False
                agent.reason = await agent.form.complete()
                agent.is_called = agent.is_called and self._post.has_unread(name)
        except Exception as error:  # noqa: BLE001  what one raises stops no other (Embed/shared)
            agent.reason = "stopped"
            self._errors.append(error)
        finally:
            agent.is_in_turn = False


class _Agent:
    """An agent that is open, and how far it has come."""

    def __init__(self, form: AsyncForm, *, is_called: bool) -> None:
        self.form = form
        self.is_called = is_called
        self.is_in_turn = False
        self.reason: EndReason | None = None
