"""What goes wrong on the way to a model: its package, its file, its download."""


class AdapterError(Exception):
    """A model that cannot be had or used; the message says what was expected and what to do."""


class UnknownBackendError(AdapterError):
    """A word that names no backend."""
