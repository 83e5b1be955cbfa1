"""Who may write to whom, and how often (spec/5-embedding.md, section 7). It knows no clock.

An agent writes by calling `send`, a function like any other; what it writes comes to another
session as a message with a sender. What is counted here is read from the rows of the agents.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from cml.profile import Limits
from cml.text.identifiers import agent_fault
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


class _Turn:
    """What an agent has read and written in its turn, and what was said to it and is not read."""

    def __init__(self) -> None:
        self.hops = 0
        self.sent = 0
        self.unread: list[Letter] = []


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
        self._turns: defaultdict[str, _Turn] = defaultdict(_Turn)
        self._on_their_way: list[Letter] = []

    @property
    def left_over(self) -> tuple[Letter, ...]:
        """The messages that did not go in: those that an agent has and did not read, then those that
        came to none.
        """
        unread = [letter for turn in self._turns.values() for letter in turn.unread]
        return (*unread, *self._on_their_way)

    def has_unread(self, name: str) -> bool:
        """Whether an agent has a message that did not go in, or one is on its way to it."""
        on_its_way = any(letter.to == name for letter in self._on_their_way)
        return on_its_way or bool(self._turns[name].unread)

    def see(self, name: str, rows: Sequence[Row]) -> None:
        """Follow an agent through its rows: all that waits goes in at once (Settle/deliver)."""
        turn = self._turns[name]
        for row in rows:
            match row.event:
                case Began():
                    turn.hops = turn.sent = 0
                case Said() as said:
                    turn.unread.append(letter := Letter(name, said))
                    if letter in self._on_their_way:
                        self._on_their_way.remove(letter)
                case _:
                    pass
            if any(isinstance(effect, Inject) for effect in row.effects):
                read = (letter.said for letter in turn.unread if letter.said.sender)
                turn.hops = max((turn.hops, *(said.hops + 1 for said in read)))
                turn.unread.clear()

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
            raise NotSent(f"an agent sends at most {limits.agent_messages} messages in a turn")
        if turn.hops >= limits.agent_hops:
            message = f"at most {limits.agent_hops} messages follow from each other; end your turn"
            raise NotSent(message)
        return turn.hops
