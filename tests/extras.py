"""What an extra brings: without it a test is skipped, and says which extra it wants."""

from types import ModuleType

import pytest


def from_extra(extra: str, module: str) -> ModuleType:
    """Import what an extra brings, or skip the test; at the top of a file, all of its tests.

    Args:
        extra: As in `pip install "cml-lang[plot]"`.
        module: A module of one of its packages.
    """
    reason = f"the extra {extra} is not installed: no module {module}"
    return pytest.importorskip(module, reason=reason)
