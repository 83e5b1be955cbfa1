"""Times as people read them."""


def milliseconds(time_us: int) -> str:
    """Return a time, given in microseconds, in milliseconds."""
    return f"{time_us / 1000:,.1f} ms"
