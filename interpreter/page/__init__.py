"""A page that shows runs: its assets for a browser, and what Python adds to them.

`assets/run.js` draws one run from the rows of its trace as they come; everything else feeds it.
"""

from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent / "assets"
"""Modules, styles: what a browser loads. Nothing is built."""
