"""The sources of the three packages, and how a test reads them."""

import ast
import gc
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("cml", "interpreter", "model_adapters")
SOURCES: Final = sorted(path for top in PACKAGES for path in (ROOT / top).rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    """Parse a file, while no garbage is collected.

    Python 3.11.7 fails with a SystemError (AST constructor recursion depth mismatch) where a collection
    within `ast.parse` runs code that parses, too, as the log of a lost task does for the lines of
    its traceback (CPython, gh-106905).
    """
    text = path.read_text(encoding="utf-8")
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        gc.enable()
