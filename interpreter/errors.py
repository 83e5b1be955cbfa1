"""What can go wrong that is not the model's doing."""

from importlib.util import find_spec


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


class MissingExtraError(RuntimeError):
    """A package that an optional part of this distribution needs is not installed."""


def missing_extra(extra: str, error: ImportError) -> MissingExtraError:
    """Return the error for a package that an optional part needs.

    Args:
        extra: The extra that brings it, as in `pip install "cml-lang[plot]"`.
        error: What the import said.
    """
    name = error.name.partition(".")[0] if error.name else str(error)
    return MissingExtraError(
        f'the package {name} is not installed; install it with: pip install "cml-lang[{extra}]"'
    )


def require_extra(extra: str, *modules: str) -> None:
    """See that an extra is installed, before anything is asked or fetched for the sake of it.

    Args:
        extra: As for `missing_extra`.
        modules: Packages that it brings, by the names under which they are imported.

    Raises:
        MissingExtraError: One of them is not there.
    """
    for name in modules:
        if find_spec(name) is None:
            raise missing_extra(extra, ModuleNotFoundError(name=name))
