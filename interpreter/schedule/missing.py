"""What goes wrong when an optional package is not there."""


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
