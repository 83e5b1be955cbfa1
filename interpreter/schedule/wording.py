"""Times, and faults of what is read, as people read them."""

import re
from typing import Final

import msgspec

from cml.wording import nearest

_UNKNOWN: Final = re.compile("unknown field `([^`]*)`")


def milliseconds(time_us: int) -> str:
    """Return a time, given in microseconds, in milliseconds."""
    return f"{time_us / 1000:,.1f} ms"


def fault_of_fields(
    error: msgspec.ValidationError, shapes: tuple[type[msgspec.Struct], ...], where: str
) -> str:
    """Return what is wrong with something that was read, and which field may have been meant.

    Args:
        error: What msgspec says.
        shapes: Of what its fields could have been.
        where: The document that says more.
    """
    unknown = _UNKNOWN.search(str(error))
    known = (name for shape in shapes for name in shape.__struct_encode_fields__)
    meant = nearest(unknown[1], known) if unknown else ""
    return f"{error}; {meant and meant + ' '}see {where}"
