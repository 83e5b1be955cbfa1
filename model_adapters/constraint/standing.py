"""Where a model stands, as far as the grammar of what it may write next depends on it."""

import msgspec
from msgspec.structs import replace

from cml.ast import Call, OutcomeKind
from model_adapters.constraint.mask_grammar import CANCEL


class Standing(msgspec.Struct, frozen=True):
    """What the model has done so far.

    Args:
        calls: How many calls it wrote.
        before: How many of them in earlier turns.
        pending: Those that a trap can wait for, in their order.
        earlier: Those that a future can name, all but what failed, each with its function.
        has_trapped: Whether it wrote a trap, and after it no call, and nothing was appended.
    """

    calls: int = 0
    before: int = 0
    pending: tuple[str, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()
    has_trapped: bool = False

    def called(self, call: Call) -> "Standing":
        """Return where it stands after a call."""
        own = (call.id,) if call.id else ()
        named = () if call.function == CANCEL else tuple((name, call.function) for name in own)
        earlier = (*self.earlier, *named)
        return Standing(self.calls + 1, self.before, (*self.pending, *own), earlier)

    @property
    def in_turn(self) -> int:
        """How many calls it wrote in this turn."""
        return self.calls - self.before

    def settled(self, call: str, outcome: OutcomeKind) -> "Standing":
        """Return where it stands when a call has its outcome."""
        has_result = outcome is OutcomeKind.RETURNED
        return replace(
            self,
            pending=tuple(name for name in self.pending if name != call),
            earlier=tuple(each for each in self.earlier if has_result or each[0] != call),
        )
