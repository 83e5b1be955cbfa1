"""What goes wrong on the way to a model: its package, its file, its download."""


class AdapterError(Exception):
    """A model that cannot be had or used; the message says what was expected and what to do."""


class UnknownBackendError(AdapterError):
    """A word that names no backend."""


class OptionNotTakenError(AdapterError):
    """An option that means nothing to a backend: it is refused, for it would be ignored in silence."""
