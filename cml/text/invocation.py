"""What a body says, whichever language it is in and whoever reads it."""

import msgspec

from cml.ast import Reference, Value
from cml.profile import Level, Profile
from cml.text.identifiers import NO_VALUES, identifier_fault


class Invocation(msgspec.Struct, frozen=True):
    """Which function a body calls, with which arguments."""

    function: str
    args: tuple[Value, ...]
    kwargs: dict[str, Value]


class BodyError(ValueError):
    """A body that is no call.

    Args:
        message: What was expected.
        offset: Where in the body, in characters.
        rule: The rule that it breaks.
    """

    def __init__(self, message: str, offset: int = 0, rule: str = "Valid/body") -> None:
        super().__init__(message)
        self.offset = offset
        self.rule = rule


def reference(ref: str, path: tuple[str | int, ...], profile: Profile, offset: int) -> Reference:
    """Return the future of an earlier call (Syntax/reference).

    What is no reference at any level is a fault of the body; only then the level counts.

    Raises:
        BodyError: It is none, or the level has no futures.
    """
    if fault := identifier_fault(ref, profile):
        raise BodyError(fault, offset)
    if ref in NO_VALUES:
        raise BodyError(f'{ref} is a reserved word, not a value; for text write "{ref}"', offset)
    if profile.level is Level.CORE:
        message = (
            f'{ref} would be the result of another call, which this level has not; write "{ref}"'
        )
        raise BodyError(message, offset, "Valid/level")
    return Reference(ref, path)
