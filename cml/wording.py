"""Counts as people read them."""


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts, as in `1 row` or `1,024 rows`.

    Args:
        number: How many.
        noun: What, in the singular; its plural ends in `s`.
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
