"""What happens in a session of any protocol, each with the line of the file that says it.

A reader of a format makes these of a file, in its order. What it cannot make one of it names as
`NotCarried`: nothing is dropped in silence.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from cml.ast import Json
from cml.profile import Body
from interpreter.events import Outcome


class PersonSpoke(msgspec.Struct, frozen=True):
    """A person says something.

    Args:
        line: Where the file says so, from 1.
        text: What they say.
        at_us: When, in microseconds from any beginning; None where the format does not say.
    """

    line: int
    text: str
    at_us: int | None = None


class ModelWrote(msgspec.Struct, frozen=True):
    """The model writes prose. Arguments as those of `PersonSpoke`."""

    line: int
    text: str
    at_us: int | None = None


class ModelCalled(msgspec.Struct, frozen=True):
    """The model calls a function.

    Args:
        line: Where the file says so, from 1.
        call: The identifier that the format gives it.
        function: Its name.
        kwargs: Named arguments.
        args: Positional arguments.
        fault: Why it is no call that can be read; empty where it is one.
        at_us: When, as in `PersonSpoke`.
    """

    line: int
    call: str
    function: str
    kwargs: dict[str, Json] = {}
    args: tuple[Json, ...] = ()
    fault: str = ""
    at_us: int | None = None


class ModelWaits(msgspec.Struct, frozen=True):
    """The model goes no further before all its calls are answered."""

    line: int
    at_us: int | None = None


class CallAnswered(msgspec.Struct, frozen=True):
    """A call has an outcome, or reports progress.

    Args:
        line: Where the file says so, from 1.
        call: The identifier that the format gives the call.
        outcome: Which.
        at_us: When, as in `PersonSpoke`.
    """

    line: int
    call: str
    outcome: Outcome
    at_us: int | None = None


class NotCarried(msgspec.Struct, frozen=True):
    """Something that a trace of ours has no place for.

    Args:
        line: Where it stands, from 1.
        what: What it is: a key of the format's losses.
    """

    line: int
    what: str


Written: TypeAlias = ModelWrote | ModelCalled | ModelWaits
Carried: TypeAlias = PersonSpoke | Written | CallAnswered
Happening: TypeAlias = Carried | NotCarried


class ForeignError(ValueError):
    """A file that is not of the format that it is said to be (Trace/foreign).

    Args:
        line: Where it is not, from 1.
        message: What was expected.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


class Format(msgspec.Struct, frozen=True):
    """A format of sessions.

    Args:
        about: What it is, in words.
        read: Makes happenings of the text of a file; raises `ForeignError`.
        losses: What of it a trace does not hold, with what becomes of it.
        body: The language in which its calls are told.
    """

    about: str
    read: Callable[[str], Iterator[Happening]]
    losses: dict[str, str]
    body: Body = Body.JSON
