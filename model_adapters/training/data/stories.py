"""Stories: what a person wants, which calls that takes, and what will become of them."""

from typing import Literal, TypeAlias

import msgspec

from cml.ast import Json, OutcomeKind
from interpreter.events import Outcome, failure
from interpreter.tools.declared import Tool

Fate: TypeAlias = Literal["returns", "fails", "busy", "expires"]
"""What becomes of a call. One that is busy fails once, with the request to try again."""


class Earlier(msgspec.Struct, frozen=True):
    """An argument that is the result of another wish.

    Args:
        wish: The number of that wish.
        key: Under which key its result has the value; empty where it is the value.
        waits: Whether the result has to be read first; a future otherwise.
    """

    wish: int
    key: str
    waits: bool


class Wish(msgspec.Struct, frozen=True):
    """One call that has to be made.

    Args:
        function: What is called, as bodies write it.
        arguments: With what, by name.
        subject: What it is about, as it is told: `weather in Oslo`.
        result: What comes back.
        execute_us: After how many microseconds.
        fate: What becomes of it.
        fault: The message of its failure.
        estimate_us: How long the tool is said to take, where it is.
        progress: What it reports half-way; empty for nothing.
        value: What of the result has to be told, where it comes in a sentence; all of it otherwise.
    """

    function: str
    arguments: "dict[str, Json | Earlier]"
    subject: str
    result: Json
    execute_us: int
    fate: Fate = "returns"
    fault: str = ""
    estimate_us: int | None = None
    progress: str = ""
    value: str = ""

    @property
    def needs(self) -> frozenset[int]:
        """The wishes whose results have to be read before it can be written."""
        return frozenset(earlier.wish for earlier in self._earlier() if earlier.waits)

    @property
    def names(self) -> frozenset[int]:
        """The wishes whose calls it names: they have to be written before it."""
        return frozenset(earlier.wish for earlier in self._earlier() if not earlier.waits)

    def comes_back(self, tries: int, deadline_us: int) -> list[tuple[int, Outcome]]:
        """Return after how many microseconds a call for it comes back, and with what; progress first.

        Args:
            tries: The how manieth call for it this is.
            deadline_us: The most that a call may take, in microseconds.
        """
        after_us, outcome = self._ends(tries, deadline_us)
        if not self.progress:
            return [(after_us, outcome)]
        return [(after_us // 2, Outcome(OutcomeKind.PROGRESS, self.progress)), (after_us, outcome)]

    def _ends(self, tries: int, deadline_us: int) -> tuple[int, Outcome]:
        returned = Outcome(OutcomeKind.RETURNED, self.result)
        match self.fate:
            case "fails":
                return self.execute_us, failure("LookupError", self.fault)
            case "busy" if tries == 1:
                return self.execute_us, failure("BusyError", self.fault)
            case "expires":
                return deadline_us + 1_000, returned
            case "returns" | "busy":
                return self.execute_us, returned

    def _earlier(self) -> list[Earlier]:
        return [value for value in self.arguments.values() if isinstance(value, Earlier)]


class Remark(msgspec.Struct, frozen=True):
    """What a person says while the model is at work.

    Args:
        at_us: When, in microseconds.
        text: In their words.
        adds: What has to be called for it.
        drops: Numbers of the wishes that it takes back.
    """

    at_us: int
    text: str
    adds: tuple[Wish, ...] = ()
    drops: frozenset[int] = frozenset()


class Tale(msgspec.Struct, frozen=True):
    """All of it.

    Args:
        shape: What kind of story it is, in a word.
        tools: What the model may call, with the names that bodies write.
        question: What a person asks.
        wishes: The calls that it takes, in the order in which they were asked for.
        messages: What is said on the way.
        reply: What is said where there is nothing to call.
        facts: Names of the facts and deeds that are called: by these data are split.
    """

    shape: str
    tools: tuple[Tool, ...]
    question: str
    wishes: tuple[Wish, ...] = ()
    messages: tuple[Remark, ...] = ()
    reply: str = ""
    facts: tuple[str, ...] = ()
