"""What can go wrong that is not the model's doing."""


class HostError(Exception):
    """The host broke the contract of spec/5-embedding.md.

    Args:
        clause: The clause that it broke, by name.
        message: What it did and what it should do.
    """

    def __init__(self, clause: str, message: str) -> None:
        super().__init__(f"{message} ({clause})")
        self.clause = clause


class Stuck(AssertionError):
    """No rule applies, or two do: a fault of this interpreter, never of its input."""
