"""How many examples a property is tried with."""

from hypothesis import settings

_EVERY_DAY = 100


def tries(count: int) -> settings:
    """Try a property with so many examples every day, and with more where all are tried with more."""
    return settings(max_examples=count * max(1, settings().max_examples // _EVERY_DAY))
