"""All checks, and which of them a run takes."""

from collections.abc import Sequence
from typing import Final

from cml.profile import Level
from model_adapters.conformance.check import Check
from model_adapters.conformance.mechanism.context_checks import CONTEXT_CHECKS
from model_adapters.conformance.mechanism.contract_checks import CONTRACT_CHECKS
from model_adapters.conformance.mechanism.driver_checks import DRIVER_CHECKS
from model_adapters.conformance.mechanism.realtime_checks import REALTIME_CHECKS
from model_adapters.conformance.mechanism.vector_checks import vector_checks

MECHANISM: Final = (*CONTRACT_CHECKS, *CONTEXT_CHECKS, *DRIVER_CHECKS, *REALTIME_CHECKS)
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
    levels = list(Level)
    of_level = [check for check in all_checks() if levels.index(check.level) <= levels.index(level)]
    if not only:
        return tuple(of_level)
    for word in only:
        if not any(_is_named(check.id, word) for check in of_level):
            message = f"there is no check {word!r} at the level {level.value}"
            raise LookupError(f"{message}; --list shows all")
    return tuple(check for check in of_level if any(_is_named(check.id, word) for word in only))


def _is_named(identifier: str, word: str) -> bool:
    return identifier == word or identifier.startswith(f"{word}/")
