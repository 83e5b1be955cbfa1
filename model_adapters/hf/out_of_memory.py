"""Out of memory, in words: a device or a host has no room for what a model computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from model_adapters.errors import AdapterError

_HOST_IS_FULL: Final = "DefaultCPUAllocator"
"""What torch raises for a CPU has no type of its own; it names who had nothing left to give."""


@contextmanager
def telling_out_of_memory(doing: str, advice: str) -> Iterator[None]:
    """Tell in one line that memory is full; whatever else is raised goes on as it is.

    Args:
        doing: What was under way, as in `reading 300 tokens`.
        advice: What to do about it.

    Raises:
        AdapterError: There was no memory for it.
    """
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _told(error, doing, advice) from error
    except RuntimeError as error:
        if _HOST_IS_FULL not in str(error):
            raise
        raise _told(error, doing, advice) from error


def _told(error: Exception, doing: str, advice: str) -> AdapterError:
    first, _, _ = str(error).partition("\n")
    return AdapterError(f"out of memory while {doing}: {first or type(error).__name__}; {advice}")
