"""Who may write to whom, and how often (spec/5-embedding.md, section 7). It knows no clock.

An agent writes by calling `send`, a function like any other; what it writes comes to another
session as a message with a sender. What is counted here is read from the rows of the agents.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from cml.profile import Limits
from cml.text.identifiers import agent_fault
from cml.wording import counted
from interpreter.errors import HostError
from interpreter.events import Began, Inject, Row, Said
from interpreter.tools.declared import tool
from interpreter.tools.signature import Function

if TYPE_CHECKING:
    from interpreter.tools.schema import Schema

T = TypeVar("T")

SEND: Final = "send"
"""The function by which an agent writes, unless the host gives it another of this name."""


class NotSent(Exception):
    """A message that does not go: a bound is reached, or the other agent cannot be told it."""


class Letter(msgspec.Struct, frozen=True):
    """A message to an agent.

    Args:
        to: The name of the agent that is to read it.
        said: What is written, by whom, and how many messages it follows from.
    """

    to: str
    said: Said


class _Turn(msgspec.Struct):
    """How many messages follow from each other up to what an agent writes next, and how many it sent,
    in a turn.
    """

    hops: int = 0
    sent: int = 0


class Post:
    """Decides of each message whether it goes, and knows which did not go in.

    Args:
        names: Those of the agents, each once.

    Raises:
        HostError: One is no name of an agent, or stands twice (Embed/agents).
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        for name in self.names:
            if fault := agent_fault(name):
                raise HostError("Embed/agents", fault)
            if self.names.count(name) > 1:
                raise HostError("Embed/agents", f"two agents have the name {name}")
        self._turns: dict[str, _Turn] = {}
        self._unread: dict[str, list[Letter]] = {name: [] for name in self.names}
        self._on_their_way: list[Letter] = []

    @property
    def left_over(self) -> tuple[Letter, ...]:
        """The messages that did not go in: those that an agent has and did not read, then those that
        came to none.
        """
        return (*chain(*self._unread.values()), *self._on_their_way)

    def has_unread(self, name: str) -> bool:
        """Whether an agent has a message that did not go in, or one is on its way to it."""
        on_its_way = any(letter.to == name for letter in self._on_their_way)
        return on_its_way or bool(self._unread[name])

    def see(self, name: str, rows: Sequence[Row]) -> None:
        """Follow an agent through its rows: all that waits goes in at once (Settle/deliver)."""
        unread = self._unread[name]
        for row in rows:
            match row.event:
                case Began():
                    self._turns[name] = _Turn()
                case Said() as said:
                    unread.append(letter := Letter(name, said))
                    if letter in self._on_their_way:
                        self._on_their_way.remove(letter)
                case _:
                    pass
            if any(isinstance(effect, Inject) for effect in row.effects):
                turn = self._turns[name]
                read = (letter.said for letter in unread if letter.said.sender)
                turn.hops = max((turn.hops, *(said.hops + 1 for said in read)))
                unread.clear()

    def sender(self, name: str, limits: Limits, bring: Callable[[Letter], object]) -> Function:
        """Return the function by which an agent writes to the others.

        Args:
            name: Whose it is.
            limits: Those of its profile.
            bring: Takes a message that may go; raises HostError if it cannot be told.

        Raises:
            HostError: There is no such agent (Embed/agents).
        """
        others = [other for other in self.names if other != name]
        if len(others) == len(self.names):
            raise HostError("Embed/agents", f"no agent has the name {name}")
        schema: Schema = {
            "type": "object",
            "properties": {"to": {"enum": [*others]}, "text": {"type": "string"}},
            "required": ["to", "text"],
            "additionalProperties": False,
        }

        @tool(name=SEND, parameters=schema)
        def send(to: str, text: str) -> bool:
            """Write to another agent; it reads the text as an interrupt."""
            letter = Letter(to, Said(text, name, self._hops(name, limits)))
            try:
                self.carry(letter, bring)
            except HostError as error:
                raise NotSent(str(error)) from None
            self._turns[name].sent += 1
            return True

        return send

    def carry(self, letter: Letter, bring: Callable[[Letter], T]) -> T:
        """Have a message brought, and know that it is on its way.

        Raises:
            HostError: It cannot be told.
        """
        self._on_their_way.append(letter)
        try:
            return bring(letter)
        except HostError:
            self._on_their_way.remove(letter)
            raise

    def _hops(self, name: str, limits: Limits) -> int:
        turn = self._turns[name]
        if turn.sent >= limits.agent_messages:
            raise NotSent(
                f"an agent sends at most {counted(limits.agent_messages, 'message')} in a turn"
            )
        if turn.hops >= limits.agent_hops:
            most = counted(limits.agent_hops, "message")
            message = (
                f"a chain of messages that follow from each other has at most {most}; end your turn"
            )
            raise NotSent(message)
        return turn.hops
