"""Waiting for what other threads and processes do: as long as a slow machine takes for it."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], within_s: float = 120.0) -> None:
    """Wait until something is true; fail if it never is."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it did not come true"
        time.sleep(0.01)
