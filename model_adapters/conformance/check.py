"""What a check is, and what it can come to."""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from cml.profile import Level
from model_adapters.conformance.subject import Subject

CheckEnding: TypeAlias = Literal["pass", "fail", "expected-fail", "not exercised", "error"]
"""`fail`: a clause is broken. `error`: the check could not be brought to its end. `expected-fail`: one of
the two, and the baseline says so. `not exercised`: it could not be put to the test; never a pass."""

ENDINGS: Final[tuple[CheckEnding, ...]] = get_args(CheckEnding)

Exercise: TypeAlias = Callable[[Subject], str | None]
"""Puts a backend to the test. It raises an `AssertionError` or a `HostError` where a clause is broken, and
returns, or raises as `NotExercised`, why that could not be seen."""


class Check(msgspec.Struct, frozen=True):
    """One thing that is put to the test.

    Args:
        id: How it is called: a word for its kind, a slash, its name.
        does: What it does, in a sentence.
        rules: The rules that it exercises.
        exercise: Does it.
        level: The level of the language that it needs.
    """

    id: str
    does: str
    rules: tuple[str, ...]
    exercise: Exercise
    level: Level = Level.CORE


class CheckResult(msgspec.Struct, frozen=True):
    """What a check came to.

    Args:
        id: Of the check.
        does: What it does, in a sentence.
        rules: The rules that it exercises.
        ending: How it ended.
        message: What is wrong, or why it was not exercised; empty for a pass.
        took_s: How long it took, in seconds; None where it was not timed by itself.
        repeat: The command that runs it alone.
    """

    id: str
    does: str
    rules: tuple[str, ...]
    ending: CheckEnding
    message: str = ""
    took_s: float | None = None
    repeat: str = ""


def checked(identifier: str, *rules: str) -> Callable[[Exercise], Check]:
    """Make a check of a function; what it does is the first line of its docstring.

    Args:
        identifier: How it is called.
        rules: The rules that it exercises.
    """

    def made(exercise: Exercise) -> Check:
        does, *_ = (exercise.__doc__ or "").splitlines()
        return Check(identifier, does, rules, exercise)

    return made
