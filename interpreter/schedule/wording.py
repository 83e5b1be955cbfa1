"""Counts and times as people read them."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as in `1 call` and `2 calls`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def milliseconds(time_us: int) -> str:
    """Return a time, given in microseconds, in milliseconds."""
    return f"{time_us / 1000:,.1f} ms"
