"""All checks, and which of them a run takes."""

from collections.abc import Collection, Sequence
from typing import Final

from cml.profile import Level
from model_adapters.conformance.check import Check
from model_adapters.conformance.mechanism.context_checks import CONTEXT_CHECKS
from model_adapters.conformance.mechanism.contract_checks import CONTRACT_CHECKS
from model_adapters.conformance.mechanism.driver_checks import DRIVER_CHECKS
from model_adapters.conformance.mechanism.realtime_checks import REALTIME_CHECKS
from model_adapters.conformance.mechanism.stopping_checks import STOPPING_CHECKS
from model_adapters.conformance.mechanism.vector_checks import vector_checks

MECHANISM: Final = (
    *CONTRACT_CHECKS,
    *CONTEXT_CHECKS,
    *DRIVER_CHECKS,
    *REALTIME_CHECKS,
    *STOPPING_CHECKS,
)
"""All checks but those that the run vectors are."""


def all_checks() -> tuple[Check, ...]:
    """Return every check there is, in the order in which they are run."""
    return (*MECHANISM, *vector_checks())


def chosen(level: Level, only: Sequence[str] = ()) -> tuple[Check, ...]:
    """Return the checks of a level and of those below it.

    Args:
        level: The highest level that the backend claims.
        only: Ids; a word alone stands for all ids that begin with it and a slash. All where empty.

    Raises:
        LookupError: There is no such check at this level.
    """
    of_level = {check.id: check for check in all_checks() if is_within(check.level, level)}
    return tuple(of_level[identifier] for identifier in named(of_level, only, level))


def is_within(level: Level, highest: Level) -> bool:
    """Whether a level is contained in another (Syntax/level)."""
    levels = list(Level)
    return levels.index(level) <= levels.index(highest)


def named(identifiers: Collection[str], only: Sequence[str], level: Level) -> tuple[str, ...]:
    """Return those of some ids that words name, in their order.

    Args:
        identifiers: The ids of a level.
        only: Ids; a word alone stands for all ids that begin with it and a slash. All where empty.
        level: The level.

    Raises:
        LookupError: A word names none.
    """
    if not only:
        return tuple(identifiers)
    for word in only:
        if not any(_is_named(identifier, word) for identifier in identifiers):
            raise LookupError(f"there is no check {word!r} at the level {level.value}")
    return tuple(each for each in identifiers if any(_is_named(each, word) for word in only))


def _is_named(identifier: str, word: str) -> bool:
    return identifier == word or identifier.startswith(f"{word}/")
