"""Loading with transformers without its progress bars, its advice, or a thought of a network."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import ERROR

from interpreter.errors import missing_extra


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers for a while and keep it off the network; then leave it as it was.

    Raises:
        MissingExtraError: transformers is not installed.
    """
    # Read once, when the package is first imported; every load here is of a local folder anyway.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from transformers.utils import logging
    except ImportError as error:
        raise missing_extra("hf", error) from error
    hide_bars: Callable[[], None] = logging.disable_progress_bar
    show_bars: Callable[[], None] = logging.enable_progress_bar
    verbosity, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(ERROR)
    hide_bars()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            show_bars()
