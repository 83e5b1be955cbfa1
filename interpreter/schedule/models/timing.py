"""Names of the models and policies, and what a simulated run comes to."""

from typing import Final, Literal, get_args

import msgspec

Model = Literal["sync", "sync-parallel", "async", "async-naive", "futures"]
KeyPolicy = Literal[
    "program",
    "random",
    "lpt",
    "most-successors",
    "critical-path",
    "longest-tail",
    "fan-tail",
    "johnson",
]
"""Policies that are sort keys."""

RunnablePolicy = Literal[KeyPolicy, "lookahead", "lookahead-idle", "auto"]
"""Policies that could run: they know estimates only."""

PolicyName = Literal[RunnablePolicy, "optimal"]

MODELS: Final[tuple[Model, ...]] = get_args(Model)
WAITING_MODELS: Final[frozenset[Model]] = frozenset({"sync", "sync-parallel"})
"""Models whose order does not depend on the policy."""

POLICIES: Final[tuple[PolicyName, ...]] = get_args(PolicyName)
DEFAULT_POLICY: Final[PolicyName] = "auto"
"""The policy where none is named: the nearest to the optimum where estimates are good."""

PAPER_MODELS: Final[tuple[Model, ...]] = ("sync", "sync-parallel", "async", "async-naive")
"""The four of arXiv 2412.07017."""

TRAP: Final = -1
"""The decision to trap, among decisions that are otherwise positions of calls."""


class Timing(msgspec.Struct, frozen=True):
    """What one run of one model comes to.

    Args:
        makespan_us: From time zero to the last token of the answer, in microseconds.
        decisions: What the model did at each call boundary: the position of the call that it
            wrote, or `TRAP`.
    """

    makespan_us: int
    decisions: list[int]

    @property
    def order(self) -> list[int]:
        """Positions of the calls in the order in which they were written."""
        return [call for call in self.decisions if call != TRAP]
