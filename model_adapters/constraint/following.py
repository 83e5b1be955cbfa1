"""What a model has written, followed as far as the grammar of what it may write next depends on it.

It sees only what the model writes. Whatever the runtime appends, and the end of each call, begins a
new stretch: the next free identifier, the calls that are still required, what a trap can wait for and
a future can name are then plain facts of its grammar. A rewind never reaches further back than what
was appended last.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from cml import Call, Marker, OutcomeKind, Trap, parse
from cml.profile import Level, Profile
from cml.text.regions import make_lexer
from interpreter.events import Delivery
from interpreter.tools.declared import Tool
from model_adapters.constraint.future_grammar import EarlierCall
from model_adapters.constraint.mask_grammar import Stretch, stretch_grammar
from model_adapters.constraint.standing import Standing

_LEVELS: Final = list(Level)
_OPENERS: Final = (Marker.CALL, Marker.TRAP)


class ToolChoice(msgspec.Struct, frozen=True):
    """How freely a model may call: `auto` by default, `required` from one call on, `none` at zero.

    Args:
        required: Calls that it has to write before anything else in a turn.
        at_most: Calls that it may write in a turn.
        brackets: Whether its prose may hold square brackets and backslashes. Small models that
            cannot write `[INTR]` else write what looks like it.
        level: How much of the language it may use, of what the profile allows. Small models that
            may write `city=job1` do, where they mean a city.
        undeclared: Whether a future may go into a result of which nothing is declared, as in
            `job1["city"]`. Models that were trained on declared results guess its keys.
    """

    required: int = 0
    at_most: int = 64
    brackets: bool = True
    level: Level = Level.EXTENDED
    undeclared: bool = True


AUTO: Final = ToolChoice()


class Following:
    """Follows what a model writes.

    Args:
        tools: What it may call, with the names that bodies write (`spelled_tools`).
        choice: How freely.
        profile: How its bodies are written, and the level of the session.
        goes_over: Whether one token may go over the end of a call, into the stretch behind it.
        end_token: As in `Stretch`.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        choice: ToolChoice = AUTO,
        profile: Profile | None = None,
        *,
        goes_over: bool = True,
        end_token: str | None = None,
    ) -> None:
        self.profile = profile or Profile()
        self._tools = tuple(tools)
        self._results = {tool.name: tool.result for tool in tools}
        self._choice = choice
        self._level = min(choice.level, self.profile.level, key=_LEVELS.index)
        self._goes_over = goes_over
        self._end_token = end_token
        self._begun = Standing()
        self.begin_segment()

    @property
    def in_region(self) -> bool:
        """Whether the model thinks."""
        return self._lexer.in_region

    @property
    def interruptible(self) -> bool:
        """Whether neither a block nor a marker is open."""
        return self._lexer.interruptible

    def begin_segment(self) -> None:
        """Forget what was written since the last append."""
        self._standing = self._begun
        self._lexer = make_lexer(self.profile, generated=True)
        self._block = ""

    def read(self, text: str | bytes) -> int | None:
        """Follow a text. Where a call is complete, what it changes holds from its end on.

        Returns:
            Where the last call that is complete in it ends, in characters of what was written since
            the last append; None where none is.
        """
        end = None
        for symbol in self._lexer.feed(text):
            if symbol.marker in _OPENERS:
                self._block = ""
            self._block += symbol.text
            if symbol.marker is Marker.END and self._is_call():
                end = symbol.offset + len(symbol.text)
        return end

    def appended(self, interrupts: Iterable[Delivery]) -> None:
        """Begin anew: the runtime has appended interrupts, at a safe point.

        Args:
            interrupts: They settle the calls that they name.
        """
        standing = self._standing
        for told in interrupts:
            if told.outcome.kind is not OutcomeKind.PROGRESS:
                standing = standing.settled(told.id, told.outcome.kind)
        self._begun = replace(standing, has_trapped=False)
        self.begin_segment()

    def prompted(self) -> None:
        """Take note that a further turn begins: calls are counted anew. `appended` follows."""
        self._standing = replace(self._standing, before=self._standing.calls)

    def grammar(self, is_pattern: Callable[[str], bool]) -> str:
        """Return the grammar of the stretch that begins here.

        Args:
            is_pattern: As in `stretch_grammar`.
        """
        standing, choice = self._standing, self._choice
        stretch = Stretch(
            number=standing.calls + 1,
            required=max(0, choice.required - standing.in_turn),
            at_most=max(0, choice.at_most - standing.in_turn),
            pending=standing.pending,
            earlier=tuple(
                EarlierCall(name, self._results.get(function))
                for name, function in standing.earlier
            ),
            undeclared=choice.undeclared,
            may_trap=not standing.has_trapped,
            body=self.profile.body,
            level=self._level,
            brackets=choice.brackets,
            goes_over=self._goes_over,
            end_token=self._end_token,
        )
        return stretch_grammar(self._tools, stretch, is_pattern)

    def _is_call(self) -> bool:
        """Take note of a block that is complete; return whether it is a call."""
        block, self._block = self._block, ""
        match parse(block, self.profile).items:
            case [Trap()]:
                self._standing = replace(self._standing, has_trapped=True)
            case [Call() as call]:
                self._standing = self._standing.called(call)
                return True
            case _:
                pass
        return False
