"""What goes wrong on the way to a model: its package, its file, its download."""


class AdapterError(Exception):
    """A model that cannot be had or used; the message says what was expected and what to do."""


class UnknownBackendError(AdapterError):
    """A word that names no backend."""


def missing_extra(extra: str, error: ImportError) -> AdapterError:
    """Return the error for a package that an optional part of this distribution needs.

    Args:
        extra: The extra that brings it, as in `pip install "cml-lang[hf]"`.
        error: What the import said.
    """
    name = error.name or str(error)
    return AdapterError(
        f'the package {name} is not installed; install it with: pip install "cml-lang[{extra}]"'
    )
