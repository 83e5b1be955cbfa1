"""The rules of the machine, each a function with the specification's name.

A rule returns None where it does not apply, else the state after it and its effects. `RULES` is the
specification's set; the machine takes another one only to see what breaks (`interpreter.explore`).
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Final, TypeAlias

import msgspec

from interpreter.events import Began, Decoded, Ended, Event, Expired, Returned, Said, Stopped
from interpreter.rules import host, settling, symbols
from interpreter.rules.changes import Fired
from interpreter.rules.settling import SettleRule, phases_of
from interpreter.rules.symbols import SymbolRule
from interpreter.state import Phase, State

__all__ = ["RULES", "Fired", "Rules", "rule_name"]

BeginRule: TypeAlias = Callable[[State, Began], Fired | None]
EndRule: TypeAlias = Callable[[State, Ended], Fired | None]
ReturnRule: TypeAlias = Callable[[State, Returned], Fired | None]
DeadlineRule: TypeAlias = Callable[[State, Expired], Fired | None]
MessageRule: TypeAlias = Callable[[State, Said], Fired | None]
StopRule: TypeAlias = Callable[[State, Stopped], Fired | None]


class Rules(msgspec.Struct, frozen=True, dict=True):
    """A set of rules: those for each kind of event, of which one fires, and those for settling, in
    the order in which they are tried.
    """

    begins: tuple[BeginRule, ...] = host.BEGIN_RULES
    symbols: tuple[SymbolRule, ...] = symbols.SYMBOL_RULES
    ends: tuple[EndRule, ...] = host.END_RULES
    returns: tuple[ReturnRule, ...] = host.RETURN_RULES
    deadlines: tuple[DeadlineRule, ...] = host.DEADLINE_RULES
    messages: tuple[MessageRule, ...] = host.MESSAGE_RULES
    stops: tuple[StopRule, ...] = host.STOP_RULES
    settling: tuple[SettleRule, ...] = settling.SETTLE_RULES

    @cached_property
    def stepping(self) -> dict[type[Event], tuple[Callable[..., Fired | None], ...]]:
        """The Step rules for each kind of event."""
        return {
            Began: self.begins,
            Decoded: self.symbols,
            Ended: self.ends,
            Returned: self.returns,
            Expired: self.deadlines,
            Said: self.messages,
            Stopped: self.stops,
        }

    @cached_property
    def settling_in(self) -> dict[Phase, tuple[SettleRule, ...]]:
        """The Settle rules that may apply in each phase, in their order."""
        return {
            phase: tuple(rule for rule in self.settling if phase in phases_of(rule))
            for phase in Phase
        }

    @property
    def all(self) -> tuple[Callable[..., object], ...]:
        """Every rule."""
        return (
            *self.begins,
            *self.symbols,
            *self.ends,
            *self.returns,
            *self.deadlines,
            *self.messages,
            *self.stops,
            *self.settling,
        )


RULES: Final = Rules()


@cache
def rule_name(rule: Callable[..., object]) -> str:
    """Return the name that the specification gives a rule: `step_idle_trap` is Step/idle-trap."""
    kind, _, name = rule.__name__.partition("_")
    return f"{kind.capitalize()}/{name.replace('_', '-')}"
