"""Where two traces part, row by row."""

from collections import deque
from collections.abc import Iterable
from itertools import zip_longest

import msgspec

from interpreter.events import Effect, Row, Start


class Comparison(msgspec.Struct, frozen=True):
    """How far two traces are the same.

    Args:
        same: How many rows are, from the first on.
        before: The last of them.
        left: The first row that differs, of the first trace; None where that has ended.
        right: The same of the second. Both have ended where the traces are the same.
    """

    same: int
    before: tuple[Row, ...]
    left: Row | None
    right: Row | None

    @property
    def parts_at(self) -> int | None:
        """The first row that differs, from 1; None if none does."""
        return None if self.left is None and self.right is None else self.same + 1


def compare(
    left: Iterable[Row], right: Iterable[Row], *, timed: bool = True, around: int = 0
) -> Comparison:
    """Compare two traces up to the first row that differs; no more of them is read.

    Args:
        left: The rows of the first.
        right: Those of the second.
        timed: Whether rows at other times differ. In two runs by a real clock nearly all do.
        around: How many rows to give before it.
    """
    before: deque[Row] = deque(maxlen=around)
    same = 0
    for one, other in zip_longest(left, right):
        if one != other and (timed or not _tell_the_same(one, other)):
            return Comparison(same, tuple(before), one, other)
        before.append(one)
        same += 1
    return Comparison(same, tuple(before), None, None)


def _tell_the_same(one: Row | None, other: Row | None) -> bool:
    return one is not None and other is not None and _without_times(one) == _without_times(other)


def _without_times(row: Row) -> Row:
    effects = tuple(map(_without_deadline, row.effects))
    return msgspec.structs.replace(row, at_us=0, effects=effects)


def _without_deadline(effect: Effect) -> Effect:
    if isinstance(effect, Start):
        return msgspec.structs.replace(effect, deadline_us=None)
    return effect
