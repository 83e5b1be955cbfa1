"""`python -m cml` is the command `cml`: the one that this distribution installs."""

import signal
import sys

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Nothing is under way yet: Ctrl-C ends the process at once, and quietly.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        installed = distribution("cml-lang").entry_points
    except PackageNotFoundError:
        sys.exit("Error: the distribution cml-lang is not installed; run: pip install .")
    (command,) = installed.select(group="console_scripts", name="cml")
    command.load()()
