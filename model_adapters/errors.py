"""What goes wrong on the way to a model: its package, its file, its download."""

from collections.abc import Sequence


class AdapterError(Exception):
    """A model that cannot be had or used; the message says what was expected and what to do."""


class UnknownBackendError(AdapterError):
    """A word that names no backend."""


class OptionNotTakenError(AdapterError):
    """Options that mean nothing to a backend: they are refused, for they would be ignored in silence.

    Args:
        message: What was expected, in the words of the command line.
        options: Their names.
    """

    def __init__(self, message: str, options: Sequence[str]) -> None:
        super().__init__(message)
        self.options = options
