"""Profiles as they are named on a command line: `json`, `python,core`, or a JSON file."""

from pathlib import Path

import msgspec
from msgspec.structs import replace

from cml.characters import not_utf_8
from cml.profile import Body, Level, Profile, Spelling


class ProfileError(ValueError):
    """A profile that is none; the message says what one is."""


def read_profile(name: str) -> Profile:
    """Return the profile of a name: words with commas between, or a JSON file.

    Args:
        name: Body language and level, either or both, in any order; or the name of a file, which
            ends in `.json`.

    Raises:
        ProfileError: It is something else.
    """
    if name.endswith(".json"):
        return _read_file(Path(name))
    profile = Profile()
    for word in name.split(","):
        match word.strip():
            case "python" | "json" as body:
                profile = replace(profile, body=Body(body))
            case "core" | "futures" | "extended" as level:
                profile = replace(profile, level=Level(level))
            case _:
                words = [choice.value for kind in (Body, Level) for choice in kind]
                raise ProfileError(
                    f"{word!r} is no part of a profile; write some of {', '.join(words)} with "
                    "commas between, or the name of a .json file"
                )
    return profile


def _read_file(path: Path) -> Profile:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from None
    if fault := not_utf_8(content):
        raise ProfileError(f"{path}: {fault}")
    try:
        profile = msgspec.json.decode(content, type=Profile)
    except msgspec.DecodeError as error:
        raise ProfileError(f"{path}: not a profile: {error}") from None
    if profile.markers is Spelling.TOKEN:
        raise ProfileError(f"{path}: a file has no reserved tokens; markers must be `text`")
    return profile
