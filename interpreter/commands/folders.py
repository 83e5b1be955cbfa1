"""The folder of this user's that outlasts a process: what was fetched, and what was measured."""

import os
from pathlib import Path
from typing import Final

from interpreter.errors import missing_extra

CACHE_VARIABLE: Final = "CML_CACHE"


def cache_folder() -> Path:
    """Return $CML_CACHE, else the user's cache folder, whether it is there or not.

    Raises:
        MissingExtraError: The package that knows the user's cache folder is not installed.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    try:
        from platformdirs import user_cache_path
    except ImportError as error:
        raise missing_extra("llamacpp", error) from error
    return user_cache_path("cml", appauthor=False)
