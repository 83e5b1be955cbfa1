"""`python -m interpreter.vectors FILE…` fills in the rows and the context of run vectors."""

import sys
from pathlib import Path

from interpreter.vectors.runs import write_vector

for name in sys.argv[1:]:
    write_vector(Path(name))
