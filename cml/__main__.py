"""`python -m cml` is the command `cml`: the one that this distribution installs."""

import sys
from importlib.metadata import PackageNotFoundError, distribution

if __name__ == "__main__":
    try:
        installed = distribution("cml-lang").entry_points
    except PackageNotFoundError:
        sys.exit("Error: the distribution cml-lang is not installed; run: pip install .")
    (command,) = installed.select(group="console_scripts", name="cml")
    command.load()()
